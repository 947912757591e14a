"""Seals: that a sealed file is still archival and accessible, what a seal is worth, and what cannot seal."""

from __future__ import annotations

import random
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from fundflow import clock, documents
from fundflow.cli import main
from fundflow.documents import Sealed, SealReport, SealState, SealUnusable
from tests import papers, sealing
from tests.sealing import a_site

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def printed() -> Iterator[bytes]:
    yield documents.render("rejection_letter", papers.letter(), "fr", to_be_sealed=True)
    documents.press.close()


@pytest.fixture(scope="module")
def authority() -> sealing.Issued:
    return sealing.issued("Authority of Seals")


@pytest.fixture
def trust(tmp_path: Path, authority: sealing.Issued) -> str:
    path = tmp_path / "trust.pem"
    path.write_bytes(authority.pem)
    return str(path)


def sealed_with(folder: Path, content: bytes, seal: sealing.Issued, **settings: str) -> Sealed:
    """The file as a site with this seal seals it today."""
    with a_site(folder, seal=str(sealing.pem_at(folder / "given.pem", seal)), **settings):
        return documents.seal(content)


def found(folder: Path, content: bytes, **settings: str) -> SealReport:
    with a_site(folder, **settings):
        return documents.verify(content)


def test_site_without_a_seal_makes_its_own_once_and_what_it_seals_is_whole(tmp_path: Path, printed: bytes) -> None:
    with a_site(tmp_path), clock.standing_at(clock.now() - 30 * DAY):
        sealed = documents.seal(printed)
        assert sealed.content.startswith(printed)
        assert papers.failures(sealed.content) == []
        report = documents.verify(sealed.content)
        assert (report.state, report.sealed_at, report.is_timestamped) == (SealState.VALID, sealed.at, False)
        assert report.certificate is not None
        assert report.certificate.is_self_made
        assert report.certificate.sha256 == sealed.seal_sha256 == documents.require_seal().sha256
        assert documents.verify(printed).state is SealState.NONE
        assert documents.verify(b"no PDF at all").state is SealState.NONE
    assert stat.S_IMODE((tmp_path / "seal.pem").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["seal.pem"]


def test_flipped_bit_anywhere_and_anything_behind_the_seal_is_seen(tmp_path: Path, printed: bytes) -> None:
    chance = random.Random(5)
    with a_site(tmp_path):
        content = documents.seal(printed).content
        begins = content.rindex(b"/Contents <") + len(b"/Contents <")
        ends = content.index(b">", begins)
        places = {
            *chance.sample(range(len(printed)), 15),
            *chance.sample(range(len(printed), len(content)), 15),
            *(begins + 2 * byte + 1 for byte in (4, 20, 25, 29, 30, 40, 60)),  # what frames the signature
            ends - 5,
        }
        for place in places:
            altered = bytearray(content)
            altered[place] ^= 1 << chance.randrange(8)
            assert not documents.verify(bytes(altered)).is_whole, place
        small = content[begins:ends].lower()
        for other in (content + b"\n", content[:-1], content[:begins] + small + content[ends:], content * 2):
            assert documents.verify(other).state is SealState.ALTERED


def test_seal_of_an_authority_opens_with_its_passphrase_and_is_known_by_the_authority(
    tmp_path: Path, printed: bytes, authority: sealing.Issued, trust: str
) -> None:
    fund = sealing.issued("Fonds des villes", authority)
    path = sealing.pkcs12_at(tmp_path / "seal.p12", fund, authority)
    with a_site(tmp_path, seal=str(path), seal_passphrase=sealing.PASSPHRASE, mode="production"):
        sealed = documents.seal(printed)
        assert papers.failures(sealed.content) == []
        # Never a carriage return, whatever the lengths: before the end of a line validators do not count it.
        assert sealed.content[len(printed) :].count(b"\x00\nendstream") == 1
        assert documents.verify(sealed.content).is_valid
    (elsewhere := tmp_path / "elsewhere").mkdir()
    stranger = found(elsewhere, sealed.content)
    assert (stranger.state, stranger.is_whole) == (SealState.UNKNOWN, False)
    known = found(elsewhere, sealed.content, seal_trust=trust)
    assert known.state is SealState.VALID
    assert known.certificate is not None
    assert (known.certificate.subject, known.certificate.issuer) == ("Fonds des villes", "Authority of Seals")


def test_seal_outlives_its_certificate_only_with_a_timestamp(
    tmp_path: Path, printed: bytes, authority: sealing.Issued, trust: str
) -> None:
    fund = sealing.issued("Fund", authority, days=(-10, 20))
    service = sealing.issued("Time", authority, days=(-10, 4000), for_time=True)
    plain = sealed_with(tmp_path, printed, fund)
    with sealing.timestamps(service, clock.now()) as url:
        stamped = sealed_with(tmp_path, printed, fund, timestamp_url=url)
        for other in ("/refusing", "/talking"):
            with pytest.raises(SealUnusable, match="timestamp service"):
                sealed_with(tmp_path, printed, fund, timestamp_url=url + other)
    with pytest.raises(SealUnusable, match="timestamp service"):
        sealed_with(tmp_path, printed, fund, timestamp_url=url)
    assert papers.failures(stamped.content) == []
    today = found(tmp_path, stamped.content, seal_trust=trust)
    assert (today.state, today.is_timestamped) == (SealState.VALID, True)
    with clock.shifted(60 * DAY):
        assert found(tmp_path, stamped.content, seal_trust=trust).state is SealState.VALID
        over = found(tmp_path, plain.content, seal_trust=trust)
        assert (over.state, over.is_valid, over.is_whole) == (SealState.EXPIRED, False, True)
    with clock.shifted(-15 * DAY):
        early = found(tmp_path, plain.content, seal_trust=trust)
        assert early.sealed_at == plain.at


def test_what_cannot_seal_says_why(tmp_path: Path, authority: sealing.Issued) -> None:
    def pem(name: str, seal: sealing.Issued) -> str:
        return str(sealing.pem_at(tmp_path / name, seal))

    garbage = tmp_path / "garbage.p12"
    garbage.write_bytes(b"\x30\x82garbage")
    bundle = str(sealing.pkcs12_at(tmp_path / "seal.p12", sealing.issued("Fund", authority), authority))
    for settings, why in (
        ({"seal": str(tmp_path / "nowhere.p12")}, "cannot be read: No such file"),
        ({"seal": bundle, "seal_passphrase": "wrong"}, "PASSPHRASE is not its passphrase"),
        ({"seal": bundle}, "PASSPHRASE is not its passphrase"),
        ({"seal": str(garbage)}, "neither PKCS#12 nor PEM"),
        ({"seal": str(sealing.other_key_at(tmp_path / "x.pem", authority))}, "no certificate for its key"),
        ({"seal": pem("a.pem", sealing.issued("Old", authority, days=(-9, -1)))}, "Old, expired on 20"),
        ({"seal": pem("b.pem", sealing.issued("New", authority, days=(2, 9)))}, "New, is valid only from 20"),
        ({"seal": pem("c.pem", sealing.issued("Post", authority, for_sealing=False))}, "not meant for signing"),
        ({"mode": "production"}, "FUNDFLOW_SEAL must name"),
    ):
        with a_site(tmp_path, **settings), pytest.raises(SealUnusable, match=why):
            documents.require_seal()
    with a_site(tmp_path, seal_trust=str(garbage)), pytest.raises(SealUnusable, match="holds no certificates"):
        documents.verify(b"/ByteRange")


def test_command_says_what_seals_and_what_a_file_is_worth(
    tmp_path: Path, printed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNDFLOW_INSTANCE", str(tmp_path))
    with a_site(tmp_path):
        content = documents.seal(printed).content
    altered = bytearray(content)
    altered[500] ^= 1

    def said(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["seal", *words])
        return done.exit_code, done.output

    def checked(name: str, held: bytes) -> tuple[int, str]:
        (tmp_path / name).write_bytes(held)
        return said(str(tmp_path / name))

    code, sentence = said()
    assert code == 0
    assert "Documents are sealed with the certificate of Global Cities Fund" in sentence
    assert "vouches for itself" in sentence
    code, sentence = checked("good.pdf", content)
    assert (code, sentence[:6]) == (0, "valid:")
    assert checked("altered.pdf", bytes(altered)) == (1, "not valid: this file is not what was sealed\n")
    assert checked("plain.pdf", printed) == (1, "not sealed: there is no seal in this file\n")
    monkeypatch.setenv("FUNDFLOW_SEAL_TRUST", str(tmp_path / "good.pdf"))
    code, sentence = said()
    assert (code, "holds no certificates" in sentence) == (1, True)
    monkeypatch.setenv("FUNDFLOW_SEAL", str(tmp_path / "nowhere.p12"))
    code, sentence = said()
    assert (code, "cannot be read: No such file" in sentence) == (1, True)

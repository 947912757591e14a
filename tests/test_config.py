"""Settings come from the environment, and every mistake in them is told at once."""

from __future__ import annotations

import stat
from dataclasses import fields
from pathlib import Path

import pytest

from fundflow.config import ROOT, BadSettings, Settings


def test_without_an_environment_the_embedded_defaults_hold() -> None:
    settings = Settings.from_environment({})
    assert (settings.host, settings.port, settings.mode) == ("127.0.0.1", 8000, "development")
    assert settings.database.startswith("sqlite:///")
    assert settings.url == "http://127.0.0.1:8000"


def test_every_setting_is_read_from_its_variable(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "HOST": "0.0.0.0",
            "PORT": "9000",
            "FUNDFLOW_INSTANCE": str(tmp_path),
            "FUNDFLOW_DATABASE_URL": "postgresql://u:p@127.0.0.1/fund",
            "FUNDFLOW_LANGUAGES": "fr, en",
            "FUNDFLOW_DEMO": "no",
            "FUNDFLOW_UPLOAD_MB": "5",
        }
    )
    assert settings.port == 9000
    assert settings.instance == tmp_path
    assert settings.database == "postgresql+psycopg://u:p@127.0.0.1/fund"
    assert settings.languages == ("fr", "en")
    assert settings.demo is False
    assert settings.upload_mb == 5


def test_all_mistakes_are_told_at_once_each_with_what_to_write() -> None:
    with pytest.raises(BadSettings) as caught:
        Settings.from_environment(
            {
                "PORT": "eight",
                "FUNDFLOW_DEMO": "perhaps",
                "FUNDFLOW_MODE": "test",
                "FUNDFLOW_PROT": "1",
                "FUNDFLOW_MAIL_URL": "ftp://x",
            }
        )
    text = str(caught.value)
    for part in (
        "PORT='eight': write a whole number",
        "write yes or no",
        "write development or production",
        "FUNDFLOW_PROT",
        "smtp://",
    ):
        assert part in text


def test_production_refuses_to_start_without_a_key_and_a_secure_address() -> None:
    with pytest.raises(BadSettings, match="FUNDFLOW_SECRET_KEY must be set"):
        Settings.from_environment({"FUNDFLOW_MODE": "production"})


def test_the_key_of_an_embedded_installation_is_made_once_and_kept_private(tmp_path: Path) -> None:
    settings = Settings(instance=tmp_path)
    key = settings.secret()
    assert len(key) >= 48
    assert settings.secret() == key
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_the_readme_documents_every_setting() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [each.metadata["env"] for each in fields(Settings) if f"`{each.metadata['env']}`" not in readme]
    assert not missing

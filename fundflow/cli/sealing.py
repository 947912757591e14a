"""The command on the seal: which certificate seals documents, until when, and whether a file carries a good seal."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fundflow.cli.group import installation, main

if TYPE_CHECKING:
    from fundflow.documents import Certificate, SealReport

SOON = timedelta(days=45)
"""How long before its end a certificate is said to end soon: a new one takes weeks to get."""


@main.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def seal(file: Path | None) -> None:
    """Say which certificate seals documents and until when; or check the seal of FILE."""
    from fundflow import clock, documents

    app = installation()
    with app.app_context():
        try:
            if file is None:
                about = documents.require_seal()
                documents.verify(b"")  # reads FUNDFLOW_SEAL_TRUST, so that a mistake in it is told here too
            else:
                report = documents.verify(file.read_bytes())
        except documents.SealUnusable as problem:
            raise click.ClickException(str(problem)) from None
    if file is not None:
        click.echo(_verdict(report))
        sys.exit(0 if report.is_valid else 1)
    click.echo(f"Documents are sealed with {_told(about)}.")
    if about.is_self_made:
        click.echo("It vouches for itself: nobody outside this site can tell whose it is.")
    if about.valid_until - clock.now() < SOON:
        click.echo("It ends soon: put its successor where FUNDFLOW_SEAL points, and this one into FUNDFLOW_SEAL_TRUST.")


def _told(about: Certificate) -> str:
    by = "itself" if about.is_self_made else about.issuer
    return (
        f"the certificate of {about.subject}, issued by {by}, "
        f"valid from {about.valid_from:%Y-%m-%d} to {about.valid_until:%Y-%m-%d}, SHA-256 {about.sha256}"
    )


def _verdict(report: SealReport) -> str:
    from fundflow.documents import SealState

    if report.certificate is None or report.sealed_at is None:
        return {
            SealState.NONE: "not sealed: there is no seal in this file",
            SealState.ALTERED: "not valid: this file is not what was sealed",
        }[report.state]
    proof = "as a timestamp proves" if report.is_timestamped else "as the seal itself says"
    by = f"sealed at {report.sealed_at:%Y-%m-%d %H:%M:%S} UTC, {proof}, with {_told(report.certificate)}"
    return {
        SealState.VALID: f"valid: the whole file is as it was {by}",
        SealState.UNKNOWN: f"not valid: whole, but the signer is unknown here; {by}",
        SealState.EXPIRED: f"expired: whole, but nothing proves that the certificate was still valid; {by}",
    }[report.state]

"""deploy/nginx/wxapi.conf where a test may run it: a certificate, files and ports of its own."""

import grp
import os
import pwd
import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_SITE = Path(__file__).resolve().parents[1] / "deploy" / "nginx" / "wxapi.conf"
SCRATCH = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def self_signed(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "report.example.gov.cn")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    folder.joinpath("fullchain.pem").write_bytes(
        made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    folder.joinpath("privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def nginx_settings(folder: Path, ports: tuple[int, int, int] = (80, 443, 8000)) -> Path:
    """The site's file inside a whole one, with a certificate, all files and ports where a test may have them."""
    self_signed(folder)
    site = _SITE.read_text("utf-8")
    site = site.replace("/etc/nginx/wxapi/", f"{folder}/").replace("/var/log/wxapi/", f"{folder}/")
    for was, port in (("listen 80;", ports[0]), ("listen 443 ", ports[1]), ("127.0.0.1:8000", ports[2])):
        assert was in site
        site = site.replace(was, re.sub(r"\d+(?=;| |$)", str(port), was))
    # Wherever the distribution would keep its scratch files: the test may not write there.
    scratch = "".join(f"{name}_temp_path {folder}/{name};\n" for name in SCRATCH)
    whole = folder / "nginx.conf"
    # As root nginx would take another user, who may not enter the test's folder.
    user = (
        f"user {pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name};\n" if not os.geteuid() else ""
    )
    head = f"{user}pid {folder}/pid;\nerror_log {folder}/error.log;\ndaemon off;\nevents {{}}\n"
    whole.write_text(f"{head}http {{\n{scratch}{site}\n}}\n", "utf-8")
    return whole


def port_answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0

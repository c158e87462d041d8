"""What is a secret in a layer, and what only looks like one: the table of patterns, over files made by hand.

No secret stands here as one would, so that nobody who searches this repository finds any.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from debate.cache.store import Store
from debate.steps.secrets import Found, read
from tests.conftest import ROOT

SCRIPTS = ("secrets.sh", "secrets.table", "initramfs.pl", "debian/owners.sh", "arch/owners.sh")


def run(
    root: Path, work: Path, initrd: bytes = b"", changes: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """Run secrets.sh, with ``changes``, for the layer ``root`` or for an initramfs."""
    for name in ("step", "work", "out", "in"):
        shutil.rmtree(work / name, ignore_errors=True)
        (work / name).mkdir(parents=True)
    for script in SCRIPTS:
        text = (ROOT / "sandbox" / script).read_text().replace("/run/layers", str(root))
        for old, new in changes.items():
            text = text.replace(old, new)
        target = work / "step" / script
        target.parent.mkdir(exist_ok=True)
        for name in ("step", "work", "out", "in", "problems"):
            text = text.replace(f"/run/{name}", str(work / name))
        target.write_text(text)
    if initrd:
        (work / "in/initrd").write_bytes(initrd)
    return subprocess.run(["sh", str(work / "step/secrets.sh")], capture_output=True, text=True, timeout=120)


def searched(
    root: Path, work: Path, initrd: bytes = b"", changes: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Found]:
    """What secrets.sh finds in the layer ``root`` or in an initramfs, by path."""
    done = run(root, work, initrd, changes)
    assert (done.returncode, done.stderr) == (0, "")
    store = Store(work / "store")
    found = read(store, store.put((work / "out/found").read_bytes()))
    assert len({each.path for each in found}) == len(found), "a file is found once"
    return {each.path: each for each in found}


BODY = "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MbzYLdZ7ZvVy7F7V\n" * 3


def pem(kind: str, body: str = BODY) -> str:
    return f"-----BEGIN {kind}-----\n{body}-----END {kind}-----\n"


KEYS = {
    "pkcs8": pem("PRIVATE KEY"),
    "ed25519": pem("PRIVATE KEY", "MC4CAQAwBQYDK2VwBCIEIATnhcBx2w193DFSDv4NK4F8V2uHpNoLWrZFAIGhGafz\n"),
    "encrypted": pem("ENCRYPTED PRIVATE KEY"),
    "rsa": pem("RSA PRIVATE KEY"),
    "dsa": pem("DSA PRIVATE KEY"),
    "ec": pem("EC PRIVATE KEY"),
    "openssh": pem("OPENSSH PRIVATE KEY"),
    "old encryption": pem("RSA PRIVATE KEY", f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{'0AB1' * 8}\n\n{BODY}"),
    "pgp": pem("PGP PRIVATE KEY BLOCK", f"Version: GnuPG v2\nComment: of nobody\n\n{BODY}"),
    "pgp without header": pem("PGP PRIVATE KEY BLOCK", f"\n{BODY}"),
    "crlf": pem("PRIVATE KEY").replace("\n", "\r\n"),
    "json": pem("PRIVATE KEY").replace("\n", "\\n"),
    "yaml": pem("PRIVATE KEY").replace("\n", "\n    "),
    "C": pem("PRIVATE KEY").replace("\n", '\\n"\n"'),
    "diff": pem("PRIVATE KEY").replace("\n", "\n+"),
    "mail": pem("PRIVATE KEY").replace("\n", "\n> "),
    "ssh2": f'---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nSubject: x\nComment: "x"\n{BODY}',
    "putty 2": f"PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nPublic-Lines: 3\n{BODY}Private-Lines: 3\n",
    "putty 3": f"PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\nPrivate-Lines: 1\r\n{BODY}",
    "openvpn": f"-----BEGIN OpenVPN Static key V1-----\n{'0f' * 16}\n",
    "wireguard": f"[Interface]\nPrivateKey = {'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBm'}k=\n",
    "networkd": f"[WireGuard]\nPrivateKey={'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBm'}k=\n",
    "tsig": f'key "x" {{ algorithm hmac-sha256; secret "{"q83v" * 11}"; }};\n',
    "dnssec": "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\n",
    "age": f"# x\nAGE-SECRET-KEY-1{'QP' * 29}\n",
    "minisign": f"untrusted comment: minisign encrypted secret key\nRW{'RTY0' * 20}\n",
    "signify": f"untrusted comment: signify secret key\nRW{'RCSw' * 20}\n",
    "tor": "== ed25519v1-secret: type0 ==\0\0\0abc",
}
TOKENS = {
    "github": "ghp" + "_" + "aB3d" * 9,
    "github server": "ghs" + "_" + "aB3d" * 9,
    "github fine": "github" + "_pat_" + "A" * 22 + "_" + "b" * 59,
    "gitlab": "glpat" + "-" + "aB3d_" * 4,
    "gitlab runner": "glrt" + "-" + "aB3d_" * 4,
    "gitlab deploy": "gldt" + "-" + "aB3d_" * 4,
    "aws": "AKIA" + "J2ZQ" * 4,
    "aws session": "ASIA" + "J2ZQ" * 4,
    "aws secret": "aws_secret_access_key = " + "aB3/" * 10,
    "aws variable": "AWS_SECRET_ACCESS_KEY=" + "aB3/" * 10,
    "slack": "xoxb" + "-1234567890-" + "aB3d" * 6,
    "slack webhook": "https://hooks.slack" + ".com/services/T00000000/B00000000/" + "aB3d" * 6,
    "pypi": "pypi" + "-AgEIcHlwaS5vcmc" + "aB3d" * 20,
    "npm": "npm" + "_" + "aB3d" * 9,
    "npmrc": "//registry.npmjs.example/:_authToken" + "=" + "aB3d" * 9,
    "docker": '{"auths": {"registry.example": {"auth": "' + "dXNlcjpwYXNz" + '"}}}',
    "docker hub": "dckr_pat" + "_" + "aB3d" * 7,
    "google": "AIza" + "aB3d-" * 7,
    "stripe": "sk_live" + "_" + "aB3d" * 6,
    "sendgrid": "SG" + "." + "a" * 22 + "." + "b" * 43,
    "vault": "hvs" + "." + "aB3d" * 6,
    "digitalocean": "dop_v1" + "_" + "0f" * 32,
    "grafana": "glsa" + "_" + "aB3d" * 8 + "_" + "0f" * 4,
    "shopify": "shpat" + "_" + "0f" * 16,
    "atlassian": "ATATT3" + "aB3-" * 25,
    "databricks": "dapi" + "0f" * 16,
}
NOTHING = {
    "public key": pem("PUBLIC KEY"),
    "certificate": pem("CERTIFICATE"),
    "pgp public": pem("PGP PUBLIC KEY BLOCK", f"\n{BODY}"),
    "openssh public": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0vtZjHgQdWQZ7Hz8cQJk7y8y0v4ZVt0xq0Wl8mXb3A x\n",
    "a parser": 'if line == "-----BEGIN RSA PRIVATE KEY-----":\n    state = Reading(line, the_rest_of_it)\n',
    "a library": "-----BEGIN PRIVATE KEY-----\0-----END PRIVATE KEY-----\0" + BODY,
    "documentation": "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
    "another marker": f"-----BEGIN PRIVATE PARTY-----\n{BODY}",
    "the wireguard manual": "PrivateKey = <your private key>\nPrivateKey = abc=\n",
    "wireguard public": "PublicKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n",
    "github too short": "ghp" + "_" + "aB3d" * 8,
    "github in a word": "xghp" + "_" + "aB3d" * 9,
    "gitlab too short": "glpat" + "-" + "aB3d" * 4,
    "aws of the manual": "AKIA" + "IOSFODNN7" + "EXAMPLE",
    "aws secret of the manual": "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY",
    "aws too long": "AKIA" + "J2ZQ" * 5,
    "aws lower case": "akia" + "j2zq" * 4,
    "slack of a manual": "xoxb-your-token",
    "docker without credentials": '{"auths": {}, "credsStore": "pass"}',
    "docker empty": '{"auths": {"registry.example": {"auth": ""}}}',
    "npm by variable": "//registry.npmjs.example/:_authToken=${NPM_TOKEN}",
    "stripe test": "sk_test" + "_" + "aB3d" * 6,
    "machine id": "0123456789abcdef0123456789abcdef\n",
}
EMBEDDED: dict[str, Callable[[bytes], bytes]] = {
    "alone": lambda data: data,
    "without a final newline": lambda data: data.removesuffix(b"\n"),
    "in a text": lambda data: b"x = 1\n" + data + b"\ny = 2\n",
    "in a binary": lambda data: bytes(range(256)) + b"\xff\xfe\0" + data + b"\0\xff" + bytes(range(255, -1, -1)),
    "after a long line": lambda data: b"a" * 300_000 + b" " + data,
    "after other bytes than UTF-8": lambda data: b"\xe9\xff\xc3(" + data,
}


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    """What is found by content, in a layer with each text in each file."""
    directory = tmp_path_factory.mktemp("content")
    for name, text in {**KEYS, **TOKENS, **NOTHING}.items():
        for where, embed in EMBEDDED.items():
            path = directory / "layer/opt/a b" / name / where
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(embed(text.encode()))
    return searched(directory / "layer", directory)


@pytest.mark.parametrize("where", EMBEDDED)
@pytest.mark.parametrize("name", [*KEYS, *TOKENS])
def test_secrets_in_any_file(name: str, where: str, content: dict[str, Found]) -> None:
    assert content[f"opt/a b/{name}/{where}"].what


@pytest.mark.parametrize("name", NOTHING)
def test_what_only_looks_like_one(name: str, content: dict[str, Found]) -> None:
    assert not [path for path in content if path.startswith(f"opt/a b/{name}/")]


NAMED = {
    "etc/ssh/ssh_host_rsa_key": "a host key of ssh",
    "etc/dropbear/dropbear_ed25519_host_key": "a host key of dropbear",
    "etc/dropbear/initramfs/dropbear_rsa_host_key": "a host key of dropbear",
    "etc/machine-id": "the id of a machine",
    "var/lib/dbus/machine-id": "the id of a machine",
    "var/lib/systemd/random-seed": "a random seed",
    "var/lib/urandom/random-seed": "a random seed",
    "var/lib/systemd/credential.secret": "the key of systemd's credentials",
    "var/lib/postgresql/17/main/global/pg_control": "a database cluster of PostgreSQL, with its system identifier",
    "var/lib/postgres/data/global/pg_control": "a database cluster of PostgreSQL, with its system identifier",
    "var/lib/rabbitmq/.erlang.cookie": "a cookie of Erlang",
    "root/.erlang.cookie": "a cookie of Erlang",
    "var/log/apt/history.log": "a history of package installations",
    "root/.bash_history": "a history",
    "home/live/.zsh_history": "a history",
    "home/live/.python_history": "a history",
    "home/live/.local/share/fish/fish_history": "a history",
    "root/.gnupg/private-keys-v1.d/0.key": "a private key of OpenPGP",
    "etc/krb5.keytab": "keys of Kerberos",
    "etc/hostid": "the id of a host",
    "var/lib/phpmyadmin/blowfish_secret.inc.php": "a key of phpMyAdmin",
    "home/live/all.kdbx": "passwords",
    "root/client.p12": "a private key",
    "home/live/.mozilla/firefox/x.default/key4.db": "a private key",
}
WITH = {
    "root/.netrc": "machine a.example login b password c",
    "etc/apt/auth.conf.d/x.conf": "machine a.example login b password c",
    "home/live/.git-credentials": "https://name:word@a.example",
    "home/live/.npmrc": "//a.example/:_password=abc",
    "etc/wireguard/private.key": "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=",
    "etc/iscsi/initiatorname.iscsi": "## DO NOT EDIT\nInitiatorName=iqn.1993-08.org.debian:01:abc\n",
    "etc/nvme/hostid": "5e1f6a90-9f4b-4f2e-8d0f-0e0d6f6f4d11\n",
    "etc/shadowsocks-libev/config.json": '{\n "server_port": 8388,\n "password":"aB3dEf6hIj9k"\n}',
    "etc/roundcube/config.inc.php": "$config['des_key'] = 'aB3dEf6hIj9kLm2nOp5qRs8t';\n",
    "etc/NetworkManager/system-connections/home.nmconnection": "[wifi-security]\npsk=correct horse\n",
    "etc/wpa_supplicant/wpa_supplicant.conf": 'network={\n\tssid="home"\n\tpsk="correct horse"\n}\n',
    "var/lib/iwd/home.psk": "[Security]\nPassphrase=correct horse\n",
    "etc/ppp/chap-secrets": "# client\tserver\tsecret\n\nme@isp.example * correct\n",
    "etc/ppp/pap-secrets": ' "me"\t*\t"correct horse"',
    "etc/popularity-contest.conf": 'PARTICIPATE="no"\nMY_HOSTID="0123456789abcdef0123456789abcdef"\n',
}
WITHOUT = {
    "etc/network/interfaces": "iface wlan0 inet dhcp\n    wpa-ssid home\n#   wpa-psk x\n    wpa-conf /x\n",
    "etc/hostapd/hostapd.conf": "ssid=x\n#wpa_passphrase=x\nwpa_passphrase=\n",
    "etc/netplan/50-x.yaml": '# password: x\nnetwork:\n  wifis: {}\n  password: ""\n',
    "etc/ipsec.secrets": '# %any : PSK "x"\n: RSA x.pem\n',
    "etc/exim4/passwd.client": "# target.mail.server.example:login:password\n",
    "etc/postfix/sasl_passwd": "# a me:x\n",
    "root/.s3cfg": "[default]\nsecret_key = \n",
    "root/.config/rclone/rclone.conf": "[x]\ntype = s3\npass =\n",
    "root/.msmtprc": "account x\n# password x\npasswordeval cat\n",
    "etc/ssh/ssh_host_rsa_key.pub": "ssh-rsa AAAA\n",
    "etc/machine-id": "uninitialized\n",
    "etc/iscsi/initiatorname.iscsi": "GenerateName=yes\n",
    "root/.netrc": "# nothing yet\n",
    "etc/NetworkManager/system-connections/wired.nmconnection": "[connection]\ntype=ethernet\n",
    "etc/wpa_supplicant/open.conf": 'network={\n\tssid="home"\n\tkey_mgmt=NONE\n}\n',
    "var/lib/iwd/home.open": "[Settings]\nAutoConnect=true\n",
    "etc/roundcube/defaults.inc.php": "$config['des_key'] = '';\n",
    "etc/shadowsocks-libev/config.json": '{"server_port": 8388}',
    "home/live/.npmrc": "save-exact=true\n",
    "etc/ppp/chap-secrets": "# Secrets for authentication using CHAP\n# client\tserver\tsecret\n\n\n",
    "etc/ppp/pap-secrets": '#\n# for any user\n*\thost\t""\t*\n\nroot\thost\t"*"\t-\n#-HOSTNAME-\t*\tpassword\n',
    "etc/apt/auth.conf": "# machine\n",
    "home/live/.bashrc": "HISTFILE=~/.bash_history\n",
    "var/lib/postgresql/.empty": "x",
}
EMPTY = ("etc/machine-id", "root/.bash_history", "etc/ssh/ssh_host_rsa_key")


def layer(directory: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = directory / "layer" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return directory / "layer"


def test_files_by_name(tmp_path: Path) -> None:
    named = dict.fromkeys(NAMED, b"0123456789abcdef0123456789abcdef")
    with_ = {name: text.encode() for name, text in WITH.items()}
    found = searched(layer(tmp_path, {**named, **with_}), tmp_path)
    assert {path: each.what for path, each in found.items() if path in NAMED} == NAMED
    assert found.keys() == {*NAMED, *WITH}


def test_harmless_files_of_these_names(tmp_path: Path) -> None:
    assert not searched(layer(tmp_path, {name: text.encode() for name, text in WITHOUT.items()}), tmp_path)


_X = "0123456789abcdef0123456789abcdef"
_WIREGUARD = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBm" + "k=\n"
EXAMPLES: tuple[tuple[str, str], ...] = (
    ("etc/ssh/ssh_host_rsa_key", _X),
    ("etc/dropbear/dropbear_rsa_host_key", _X),
    ("etc/machine-id", f"{_X}\n"),
    ("var/lib/dbus/machine-id", _X),
    ("var/lib/systemd/random-seed", _X),
    ("var/lib/urandom/random-seed", _X),
    ("var/lib/random-seed", _X),
    ("etc/random-seed", _X),
    ("boot/loader/random-seed", _X),
    ("efi/loader/random-seed", _X),
    ("var/lib/systemd/credential.secret", _X),
    ("var/lib/postgres/data/global/pg_control", _X),
    ("var/lib/mysql/auto.cnf", _X),
    ("root/.erlang.cookie", _X),
    ("etc/munge/munge.key", _X),
    ("etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.x\n"),
    ("etc/nvme/hostid", "5e1f6a90-9f4b-4f2e-8d0f-0e0d6f6f4d11\n"),
    ("var/lib/NetworkManager/secret_key", _X),
    ("var/lib/samba/private/secrets.tdb", _X),
    ("var/lib/dhcpcd/duid", _X),
    ("var/lib/dhcpcd/secret", _X),
    ("cryptroot/keyfiles/x.key", _X),
    ("etc/cryptsetup-keys.d/x.key", _X),
    ("crypto_keyfile.bin", _X),
    ("etc/tinyssh/sshkeydir/.ed25519.sk", _X),
    ("etc/udev/rules.d/70-persistent-net.rules", 'ATTR{address}=="00:11:22:33:44:55"\n'),
    ("etc/popularity-contest.conf", f'MY_HOSTID="{_X}"\n'),
    ("etc/xrdp/rsakeys.ini", "[keys]\npri_exp=0x1\n"),
    ("var/lib/snmp/snmpd.conf", "usmUser 1 3 0x\n"),
    ("etc/krb5.keytab", _X),
    ("etc/hostid", _X),
    ("etc/shadowsocks-libev/config.json", '{"password": "x"}'),
    ("var/lib/phpmyadmin/blowfish_secret.inc.php", _X),
    ("etc/roundcube/config.inc.php", "$config['des_key'] = 'x';\n"),
    ("var/log/apt/history.log.1.gz", _X),
    ("var/log/apt/term.log", _X),
    ("var/log/pacman.log", _X),
    ("root/.bash_history", _X),
    ("root/.history", _X),
    ("root/.histfile", _X),
    ("opt/fish/fish_history", _X),
    ("root/.lesshst", _X),
    ("root/.viminfo", _X),
    ("root/.node_repl_history-1", _X),
    ("etc/NetworkManager/system-connections/x.nmconnection", "[wifi-security]\npsk=x\n"),
    ("etc/wpa_supplicant.conf", "network={\n\tprivate_key_passwd=x\n}\n"),
    ("etc/network/interfaces.d/wlan0", "iface wlan0 inet dhcp\n    wpa-ssid home\n    wpa-psk x\n"),
    ("etc/hostapd/hostapd.conf", "ssid=x\nwpa_passphrase=x\n"),
    ("etc/netplan/50-x.yaml", 'network:\n  wifis:\n    w:\n      access-points: {"h": {password: "x"}}\n'),
    ("etc/ipsec.secrets", '# ours\n%any @a.example : PSK "x"\n'),
    ("etc/swanctl/conf.d/x.conf", "secrets {\n  ike {\n    secret = x\n  }\n}\n"),
    ("var/lib/iwd/x.psk", "[Security]\nPassphrase=x\n"),
    ("etc/ppp/chap-secrets", "a b c\n"),
    ("root/x.kdbx", _X),
    ("root/x.p12", _X),
    ("root/x.pfx", _X),
    ("root/.mozilla/firefox/x.default/key4.db", _X),
    ("root/.netrc", "machine a.example\n"),
    ("root/_netrc", "machine a.example\n"),
    ("etc/apt/auth.conf", "machine a login b password c\n"),
    ("etc/apt/auth.conf.d/x", "machine a login b password c\n"),
    ("etc/dbconfig-common/x.conf", "dbc_dbpass='x'\n"),
    ("var/cache/debconf/passwords.dat", "Name: x\nValue: x\n"),
    ("root/.pgpass", "a:5432:b:c:d\n"),
    ("root/.git-credentials", "https://a:b@c.example\n"),
    ("root/.my.cnf", "[client]\npassword = x\n"),
    ("root/.vnc/passwd", _X),
    ("root/.config/tigervnc/passwd", _X),
    ("root/.msmtprc", "account x\npassword x\n"),
    ("etc/exim4/passwd.client", "# x\nmail.example:me:x\n"),
    ("etc/postfix/sasl_passwd", "[mail.example]:587 me:x\n"),
    ("root/.config/rclone/rclone.conf", "[x]\npass = x\n"),
    ("root/.s3cfg", "[default]\nsecret_key = x\n"),
    ("root/.pypirc", "[pypi]\npassword = x\n"),
    ("root/.npmrc", "//a.example/:_password=x\n"),
    ("root/.yarnrc.yml", "npmAuthToken: x\n"),
    ("root/.vault-token", _X),
    ("root/.config/gh/hosts.yml", "a:\n  oauth_token: x\n"),
    ("root/.kube/config", "users:\n- user:\n    token: x\n"),
    ("root/.cargo/credentials.toml", 'token = "x"\n'),
    ("root/.gem/credentials", ":rubygems_api_key: x\n"),
    ("root/.gnupg/private-keys-v1.d/x.key", _X),
    ("root/.gnupg/secring.gpg", _X),
    ("var/lib/tor/x/hs_ed25519_secret_key", _X),
    *(
        (f"opt/{number}", text)
        for number, text in enumerate([KEYS["pgp"], KEYS["openssh"], KEYS["rsa"], KEYS["ssh2"], KEYS["putty 3"]])
    ),
    ("opt/openvpn", KEYS["openvpn"]),
    ("opt/wireguard", KEYS["wireguard"]),
    ("etc/wireguard/private.key", _WIREGUARD),
    *((f"opt/{name}", KEYS[name]) for name in ("tsig", "dnssec", "age", "minisign", "tor")),
    *((f"opt/{name}", TOKENS[name]) for name in ("github", "gitlab", "aws", "aws secret", "aws variable", "slack")),
    ("opt/slack app", "xapp" + "-1-" + "A1B2" * 3 + "-1234567890-" + "0f" * 16),
    *((f"opt/{name}", TOKENS[name]) for name in ("slack webhook", "pypi", "npm", "npmrc", "docker", "docker hub")),
    *((f"opt/{name}", TOKENS[name]) for name in ("google", "stripe", "sendgrid", "vault")),
    ("opt/tailscale", "tskey" + "-auth-" + "aB3d" * 3 + "-" + "aB3d" * 5),
    ("opt/digitalocean", TOKENS["digitalocean"]),
    ("opt/hugging face", "hf" + "_" + "aBcD" * 8 + "eF"),
    *((f"opt/{name}", TOKENS[name]) for name in ("grafana", "shopify", "atlassian", "databricks")),
    ("opt/azure", "AccountKey" + "=" + "aB3/" * 21 + "aB=="),
    ("opt/model", "sk" + "-ant-" + "api03-" + "aB3_" * 20),
    ("opt/model 2", "sk" + "-proj-" + "aB3_" * 20),
)
"""An example of each row of the table, in its order."""


def test_each_row_has_an_example_that_it_fits(tmp_path: Path) -> None:
    """No row before it does, and its own pattern does; a new row needs an example here."""
    text = (ROOT / "sandbox/secrets.table").read_text()
    rows = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(rows) == len(EXAMPLES) == len(dict(EXAMPLES))
    parts = [row.partition("\t")[2] for row in rows]
    numbered = "".join(f"row {number}\t{part}\n" for number, part in enumerate(parts))
    root = layer(tmp_path, {path: example.encode() for path, example in EXAMPLES})
    found = searched(root, tmp_path, changes={text: numbered})
    what = {path: found[path].what if path in found else "" for path, _ in EXAMPLES}
    expected = {path: f"row {number}" for number, (path, _) in enumerate(EXAMPLES)}
    assert what == expected, [rows[int(row.split()[1])] for path, row in expected.items() if what[path] != row]


def test_empty_files(tmp_path: Path) -> None:
    assert not searched(layer(tmp_path, dict.fromkeys(EMPTY, b"")), tmp_path)


def test_a_layer_without_files(tmp_path: Path) -> None:
    assert not searched(layer(tmp_path, {"etc/x": b""}), tmp_path)


def test_only_regular_files(tmp_path: Path) -> None:
    root = layer(tmp_path, {"else": KEYS["rsa"].encode()})
    (tmp_path / "outside").write_text(KEYS["rsa"])
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "etc").symlink_to(tmp_path)
    (root / "directory.keytab").mkdir()
    assert searched(root, tmp_path).keys() == {"else"}


def test_odd_names(tmp_path: Path) -> None:
    """Each is found as it is called; one with a control character, too, though it is not looked at closely."""
    names = ("a\nb", "-e", "a'b", 'a"b', "a$(id)b", "a*b", "[a]", "a\\b", "\\101", "ä", " ", "a=b", "\x01")
    root = layer(tmp_path, {f"opt/{name}": KEYS["rsa"].encode() for name in names})
    assert {found.path.replace("\x01", "\n") for found in searched(root, tmp_path).values()} == {
        f"opt/{name}".replace("\x01", "\n") for name in names
    }


SIZE = 130 << 20
PLACES = ((64 << 20) - len(KEYS["rsa"]) // 2, 100_000_000, SIZE - len(KEYS["rsa"]))


def test_large_files(tmp_path: Path) -> None:
    """Wherever it is, also where the parts meet in which it is searched, and beside a public one."""
    names = {f"opt/a=b 'c\\ {place}": place for place in PLACES}
    root = layer(tmp_path, dict.fromkeys((*names, "opt/public", "root/.netrc"), b""))
    public = NOTHING["aws secret of the manual"].encode()
    for path, place in {**names, "opt/public": 1, "root/.netrc": 0}.items():
        with (root / path).open("r+b") as file:
            file.truncate(SIZE)
            if path in names:
                file.write(public)
            file.seek(place)
            file.write(public if path == "opt/public" else KEYS["rsa"].encode())
    found = searched(root, tmp_path)
    assert {path: each.what for path, each in found.items() if each.what} == dict.fromkeys(names, "a private key") | {
        "root/.netrc": "a private key"
    }


def test_what_is_too_large_is_told(tmp_path: Path) -> None:
    root = layer(tmp_path, dict.fromkeys(("opt/large", "opt/too large"), b""))
    text = (ROOT / "sandbox/secrets.sh").read_text()
    assert "most=17179869184\n" in text
    os.truncate(root / "opt/large", 300 << 20)
    os.truncate(root / "opt/too large", (300 << 20) + 1)
    found = searched(root, tmp_path, changes={"most=17179869184": f"most={300 << 20}"})
    assert {path: each.what for path, each in found.items()} == {"opt/too large": "too large to be searched to its end"}


# What packages have ---------------------------------------------------------------------------------------


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def dpkg(files: dict[str, bytes], conffiles: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """The database of dpkg with one package that has these files."""
    every = {**files, **(conffiles or {})}
    above = {str(path) for name in every for path in Path(name).parents} - {"."}
    listed = "".join(f"/{name}\n" for name in (".", *sorted(above), *every))
    status = "Package: owner\nStatus: install ok installed\nConffiles:\n" + "".join(
        f" /{name} {md5(data)}\n" for name, data in (conffiles or {}).items()
    )
    sums = "".join(f"{md5(data)}  {name}\n" for name, data in files.items())
    return {
        "var/lib/dpkg/status": status.encode(),
        "var/lib/dpkg/info/owner:amd64.list": listed.encode(),
        "var/lib/dpkg/info/owner:amd64.md5sums": sums.encode(),
        "var/lib/dpkg/info/maker.postinst": b"#!/bin/sh\nkeygen /etc/made/by-script\n",
    }


def pacman(files: dict[str, bytes]) -> dict[str, bytes]:
    """The database of pacman with one package that has these files."""
    above = {f"{path}/" for name in files for path in Path(name).parents} - {"./"}
    listed = "%FILES%\n" + "".join(f"{name}\n" for name in sorted({*files, *above}))
    tree = "#mtree\n/set type=file uid=0 gid=0 mode=644\n" + "".join(
        f"./{name.replace(' ', chr(92) + '040')} time=1.0 size={len(data)} md5digest={'0' * 32} "
        f"sha256digest={hashlib.sha256(data).hexdigest()}\n"
        for name, data in files.items()
    )
    return {
        "var/lib/pacman/local/owner-1-1/files": listed.encode(),
        "var/lib/pacman/local/owner-1-1/mtree": gzip.compress(tree.encode()),
        "var/lib/pacman/local/maker-lib-1:2-1/install": b"post_install() { keygen /etc/made/by-script; }\n",
    }


KEY = KEYS["rsa"].encode()
SHIPPED = {"usr/share/doc/owner/example.pem": KEY, "usr/lib/tests/a b.pem": KEY, "etc/owner/private.pem": KEY}


@pytest.mark.parametrize(("database", "maker"), [(dpkg(SHIPPED), "maker"), (pacman(SHIPPED), "maker-lib")])
def test_what_a_package_has(database: dict[str, bytes], maker: str, tmp_path: Path) -> None:
    """As the package has it, it is public. What is changed or made has a name to blame, if there is one."""
    more = {
        "etc/owner/private.pem": KEY + b"changed",
        "etc/made/by-script": KEY,
        "usr/lib/tests/unowned.pem": KEY,
        "srv/unowned.pem": KEY,
    }
    found = searched(layer(tmp_path, {**SHIPPED, **more, **database}), tmp_path)
    assert {path: (bool(each.what), each.packages) for path, each in found.items()} == {
        "usr/share/doc/owner/example.pem": (False, "owner"),
        "usr/lib/tests/a b.pem": (False, "owner"),
        "etc/owner/private.pem": (True, "owner"),
        "etc/made/by-script": (True, maker),
        "usr/lib/tests/unowned.pem": (True, "owner"),
        "srv/unowned.pem": (True, ""),
    }


def test_conffiles_and_the_merge_of_usr(tmp_path: Path) -> None:
    """A conffile's digest is in another file, and old packages have files in /lib that are in /usr/lib."""
    files = {"usr/lib/x.pem": KEY, "etc/x.pem": KEY, "etc/changed.pem": KEY + b"more"}
    database = dpkg({"lib/x.pem": KEY}, {"etc/x.pem": KEY, "etc/changed.pem": KEY})
    found = searched(layer(tmp_path, {**files, **database}), tmp_path)
    assert {path: bool(each.what) for path, each in found.items()} == {
        "usr/lib/x.pem": False,
        "etc/x.pem": False,
        "etc/changed.pem": True,
    }


def test_what_only_looks_like_the_name_of_a_package(tmp_path: Path) -> None:
    """The database is the layer's: whatever a hook puts there, what is found has a form."""
    scripts = {f"var/lib/dpkg/info/{name}.postinst": b"keygen /etc/made/by-script\n" for name in ("a b", "x'y", "-z")}
    found = searched(layer(tmp_path, {"etc/made/by-script": KEY, "var/lib/dpkg/status": b"", **scripts}), tmp_path)
    assert {path: each.packages for path, each in found.items()} == {"etc/made/by-script": ""}


# The initramfs --------------------------------------------------------------------------------------------


def cpio(files: dict[str, bytes], magic: str = "070701") -> bytes:
    """An archive with files of these names."""
    made = b""
    for number, (name, data) in enumerate([*files.items(), ("TRAILER!!!", b"")]):
        path = name.encode("utf-8", "surrogateescape") + b"\0"
        fields = (number, 0o100644 if data else 0, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        made += magic.encode() + b"".join(b"%08X" % field for field in fields) + path
        made += b"\0" * (-len(made) % 4) + data
        made += b"\0" * (-len(made) % 4)
    return made


def packed(program: str) -> Callable[[bytes], bytes]:
    def pack(data: bytes) -> bytes:
        return subprocess.run(program.split(), input=data, capture_output=True, check=True).stdout

    return pack


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "gzip": gzip.compress,
    "xz": lambda data: lzma.compress(data, check=lzma.CHECK_CRC32),
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "bzip2": bz2.compress,
    "zstd": packed("zstd -q -c"),
    "lz4": packed("lz4 -q -l -c"),
    "lz4 frame": packed("lz4 -q -c"),
}
BINARY = bytes(range(256)) * 99


@pytest.mark.parametrize("pack", PACKED)
@pytest.mark.parametrize("early", [b"", cpio({"kernel/x86/microcode/GenuineIntel.bin": BINARY}) + b"\0" * 404])
def test_secrets_of_an_initramfs(early: bytes, pack: str, tmp_path: Path) -> None:
    """By name and by content, wherever they are, and by what its crypttab names. A hard link has its content once."""
    main = {
        "usr/bin/sh": BINARY,
        "etc/dropbear/dropbear_rsa_host_key": b"x",
        "./cryptroot/keyfiles/disk.key": BINARY,
        "etc/crypttab": b"# /no/key\ndisk /dev/sda /etc/keys/a[b].bin luks\nother /dev/sdb /dev/urandom swap\n",
        "etc/keys/a[b].bin": BINARY,
        "etc/keys/ab.bin": BINARY,
        "scripts/local-top/with key": KEY,
        "usr/lib/x/": b"",
    }
    found = searched(tmp_path, tmp_path, early + PACKED[pack](cpio(main)))
    assert {path: each.what for path, each in found.items()} == {
        "etc/dropbear/dropbear_rsa_host_key": "a host key of dropbear",
        "cryptroot/keyfiles/disk.key": "the key of an encrypted disk",
        "etc/keys/a[b].bin": "the key of an encrypted disk",
        "scripts/local-top/with key": "a private key",
    }


def test_a_secret_that_another_file_replaces(tmp_path: Path) -> None:
    """It is in the image all the same."""
    twice = (
        cpio({"etc/x": KEY, "etc/y/z": KEY}, "070702") + cpio({"etc/x": b"1", "etc/y": b"2"}) + cpio({"etc/x/y": KEY})
    )
    assert searched(tmp_path, tmp_path, twice).keys() == {"etc/x", "etc/y/z", "again-3/etc/x/y"}
    other = cpio({"etc/x": b"1"}) + cpio({"etc/x": KEY})
    assert searched(tmp_path, tmp_path, other).keys() == {"again-1/etc/x"}


UNREADABLE = {
    "unknown": (b"\x89unknown" * 99, "unknown form at byte 0"),
    "cut": (cpio({"etc/x": BINARY})[:5000], "it ends within a file"),
    "cut inside": (gzip.compress(cpio({"etc/x": BINARY})[:5000]), "it ends within a file"),
    "damaged": (gzip.compress(cpio({"etc/x": BINARY}))[:-50], "zstd cannot unpack it"),
    "above": (cpio({"../x": BINARY}), "it has a name with .."),
    "within": (cpio({"etc/../../x": BINARY}), "it has a name with .."),
    "nameless": (cpio({"/": BINARY}), "it has a file without a name"),
    "long": (cpio({"x" * 5000: BINARY}), "it has a name that is too long"),
    "deep": (gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(cpio({})))))), "it is packed too"),
    "after the end": (cpio({"x": b"x"}) + b"more" * 99, "unknown form at byte "),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_initramfs_that_cannot_be_searched(kind: str, tmp_path: Path) -> None:
    """Is told, rather than taken for one without secrets."""
    data, fact = UNREADABLE[kind]
    assert run(tmp_path, tmp_path, data).returncode == 1
    field, _, said, _, end = (tmp_path / "problems").read_text().split("\0")
    assert (field, end) == ("initrd", "")
    assert said.startswith(f"the initramfs cannot be searched for secrets: {fact}")
    assert not (tmp_path.parent / "x").exists()


def test_a_script_of_a_package_is_told_as_its(tmp_path: Path) -> None:
    """No list has it, and dpkg's database no digest."""
    root = tmp_path / "layer"
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    (info.parent / "status").write_text("Package: p\n")
    for name in ("p", "lib-q:amd64"):
        (info / f"{name}.list").write_text("/.\n")
        (info / f"{name}.postinst").write_text(f"#!/bin/sh\ncat << END\n{KEYS['rsa']}END\n")
    found = searched(root, tmp_path)
    assert {path.rpartition("/")[2]: each.packages for path, each in found.items()} == {
        "p.postinst": "p",
        "lib-q:amd64.postinst": "lib-q",
    }

"""``docs/howto/connect.md``: its passwords and its several hosts, as the command reads them."""

import re
from pathlib import Path

import pytest

from crontabber.config.inifile import read_ini
from tests.acceptance.rows import CONF
from tests.support import ROOT, Command, Database

PAGE = (ROOT / "docs" / "howto" / "connect.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("password", ["a#b, c", 'say "a"', "it's", 'it\'s "a"'])
def test_a_password_is_quoted_as_the_page_says(tmp_path: Path, password: str) -> None:
    written = re.findall(r"^\| .* \| `(password=.*?)`", PAGE, re.MULTILINE)
    assert len(written) == 4
    read = []
    for line in written:
        (tmp_path / "a.ini").write_text(f"{line}\n")
        read.append(read_ini(str(tmp_path / "a.ini"))["password"])
    assert password in read


def test_with_several_hosts_the_one_that_answers_is_taken(
    crontabber: Command, database: Database
) -> None:
    blocks = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
    ini = next(text for text in blocks if "target_session_attrs" in text)
    here = {
        "host": f'"{database.host},{database.host}"',
        "port": f'"1,{database.port}"',
        "dbname": database.dbname,
        "user": f"{database.user}\npassword='''{database.password}'''",
    }
    ini = re.sub(r"(?m)^(host|port|dbname|user)=.*", lambda line: f"{line[1]}={here[line[1]]}", ini)
    crontabber.write("crontabber.ini", ini)
    done = crontabber(CONF, "--list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "There are no jobs.\n", "")

"""Refreshes one repository again and again with dnf's own library; prints what failed and how many did.

usage: refresh.py COUNT baseurl|mirrorlist ADDRESS KEY CACHE
"""

import sys

import dnf


class Trusting:
    """Answers dnf's question whether to import the key."""

    def _confirm(self, *_):
        return True


def refresh(base, kind, address, key):
    base.reset(sack=True, repos=True)
    repo = dnf.repo.Repo("bench", base.conf)
    setattr(repo, kind, [address] if kind == "baseurl" else address)
    repo.gpgkey = [key]
    repo.repo_gpgcheck = True
    repo.skip_if_unavailable = False
    repo.metadata_expire = 0
    repo._key_import = Trusting()
    base.repos.add(repo)
    repo._repo.expire()
    repo.load()
    base.fill_sack(load_system_repo=False)
    return len(base.sack.query())


def main():
    count, kind, address, key, cache = sys.argv[1:]
    base = dnf.Base()
    base.conf.cachedir = base.conf.persistdir = cache
    base.conf.installroot = cache
    base.conf.retries = 1
    base.conf.substitutions["releasever"] = "12"
    failures, seen = 0, set()
    for _ in range(int(count)):
        try:
            seen.add(refresh(base, kind, address, key))
        except Exception as error:
            failures += 1
            print(f"{kind}: {error}", file=sys.stderr)
    print(failures, len(seen))


main()

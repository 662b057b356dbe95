"""Become another program whose life is tied to the parent's; for root, as an unprivileged user.

Run by path: `python -I -S launch.py PARENT_PID SIGNAL USER PROGRAM [ARGUMENT…]`, USER `-` for no change. A program of
its own, and not a `preexec_fn`, since nothing but an exec is safe between fork and exec of a process with threads.

On Linux the kernel sends SIGNAL when the parent dies, also when it is killed; elsewhere only the user is changed.
"""

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def main() -> None:
    """Change user, tie, exec; never returns."""
    parent, signal, user, *command = sys.argv[1:]
    linux = sys.platform == "linux"
    if user != "-":
        _become(user, keep_file_access=linux)
    if linux:
        # After the change of user, which would undo it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal))
        if os.getppid() != int(parent):
            sys.exit("The parent is gone already.")
    try:
        os.execv(command[0], command)  # noqa: S606 - the whole purpose
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def _become(user: str, *, keep_file_access: bool) -> None:
    """Give up root. PostgreSQL insists on it.

    `keep_file_access` leaves the one capability that opens folders: the project may lie below /root or another private
    folder that this user could not even walk through, and changing the permissions of an operator's home is not ours.
    """
    entry = pwd.getpwnam(user)
    libc = ctypes.CDLL(None, use_errno=True)
    if keep_file_access:
        libc.prctl(_PR_SET_KEEPCAPS, 1)
        # Without this access(2), by which PostgreSQL looks for its own programs, forgets the capability.
        libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    if not keep_file_access:
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # effective, permitted, inheritable; once for the lower and once for the upper 32 capabilities
    wanted = 1 << _CAP_DAC_OVERRIDE
    data = (ctypes.c_uint32 * 6)(wanted, wanted, wanted, 0, 0, 0)
    if libc.capset(header, data) == 0:
        libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


if __name__ == "__main__":
    main()

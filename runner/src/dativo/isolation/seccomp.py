"""The system calls that a sandboxed connector is refused, as a program for the kernel's filter.

A filter of our own instead of libseccomp's: it is a hundred instructions that never change. Everything is
allowed but what reaches past the process: into others, into the kernel's workings, into new namespaces.
"""

from __future__ import annotations

import platform
import struct

from dativo.errors import PolicyError

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS = 0x00050000 | 1, 0x00050000 | 38

_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT, _SECOND_ARGUMENT_AT = 0, 4, 16, 24
_NEW_NAMESPACES = 0x7E020000
"""Every CLONE_NEW* flag of clone."""

_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
"""Both type into a terminal."""

_AF_VSOCK = 40
"""Sockets to the host of a virtual machine and to others on it: no network namespace keeps them apart."""

_X32 = 0x40000000
_CLONE3 = 435
"""Its flags lie in memory, where no filter sees them; told that it is not there, libc takes clone."""

_SHARED = {
    "io_uring_setup": 425,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
}
_X86_64 = {
    "ptrace": 101,
    "syslog": 103,
    "personality": 135,
    "pivot_root": 155,
    "adjtimex": 159,
    "chroot": 161,
    "acct": 163,
    "settimeofday": 164,
    "mount": 165,
    "umount2": 166,
    "swapon": 167,
    "swapoff": 168,
    "reboot": 169,
    "iopl": 172,
    "ioperm": 173,
    "init_module": 175,
    "delete_module": 176,
    "quotactl": 179,
    "nfsservctl": 180,
    "lookup_dcookie": 212,
    "clock_settime": 227,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "vmsplice": 278,
    "perf_event_open": 298,
    "name_to_handle_at": 303,
    "open_by_handle_at": 304,
    "clock_adjtime": 305,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "finit_module": 313,
    "kexec_file_load": 320,
    "bpf": 321,
    "userfaultfd": 323,
}
_AARCH64 = {
    "lookup_dcookie": 18,
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "nfsservctl": 42,
    "chroot": 51,
    "quotactl": 60,
    "vmsplice": 75,
    "acct": 89,
    "personality": 92,
    "unshare": 97,
    "kexec_load": 104,
    "init_module": 105,
    "delete_module": 106,
    "clock_settime": 112,
    "syslog": 116,
    "ptrace": 117,
    "reboot": 142,
    "settimeofday": 170,
    "adjtimex": 171,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "swapon": 224,
    "swapoff": 225,
    "perf_event_open": 241,
    "name_to_handle_at": 264,
    "open_by_handle_at": 265,
    "clock_adjtime": 266,
    "setns": 268,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "finit_module": 273,
    "bpf": 280,
    "userfaultfd": 282,
    "kexec_file_load": 294,
}
_MACHINES = {
    # Architecture as the kernel names it to a filter, numbers of clone, ioctl and socket, of what is refused.
    "x86_64": (0xC000003E, 56, 16, 41, _X86_64 | _SHARED),
    "aarch64": (0xC00000B7, 220, 29, 198, _AARCH64 | _SHARED),
}


def seccomp_program(machine: str | None = None) -> bytes:
    """The filter, as `bwrap --seccomp` reads it.

    Raises:
        PolicyError: there is none for this machine, so nothing can be sandboxed on it.
    """
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        raise PolicyError(f"sandbox: strict: there is no filter of system calls for {machine} machines")
    architecture, clone, ioctl, socket, refused = _MACHINES[machine]
    program = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_IF_EQUAL, architecture, yes=1),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER_AT),
        *(_refusal(_IF_AT_LEAST, _X32, _ENOSYS) if machine == "x86_64" else ()),
        *_refusal(_IF_EQUAL, _CLONE3, _ENOSYS),
        *_argument(clone, _FIRST_ARGUMENT_AT, _IF_ANY_BIT, _NEW_NAMESPACES),
        *_argument(ioctl, _SECOND_ARGUMENT_AT, _IF_EQUAL, _TIOCSTI, _TIOCLINUX),
        *_argument(socket, _FIRST_ARGUMENT_AT, _IF_EQUAL, _AF_VSOCK),
    ]
    for number in sorted(refused.values()):
        program += _refusal(_IF_EQUAL, number, _EPERM)
    return b"".join([*program, _step(_RETURN, _ALLOW)])


def _step(code: int, operand: int, *, yes: int = 0, no: int = 0) -> bytes:
    """One instruction; `yes` and `no` are how many to skip."""
    return struct.pack("HBBI", code, yes, no, operand)


def _refusal(test: int, operand: int, answer: int) -> tuple[bytes, ...]:
    return _step(test, operand, no=1), _step(_RETURN, answer)


def _argument(number: int, offset: int, test: int, *operands: int) -> tuple[bytes, ...]:
    """A call that is refused for some values of one argument only, and allowed otherwise."""
    steps = [_step(_LOAD, offset)]
    for operand in operands:
        steps += _refusal(test, operand, _EPERM)
    steps.append(_step(_RETURN, _ALLOW))
    return _step(_IF_EQUAL, number, no=len(steps)), *steps

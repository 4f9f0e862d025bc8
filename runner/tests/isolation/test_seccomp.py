"""The filter of system calls, run as the kernel would."""

from __future__ import annotations

import struct

import pytest
from dativo.errors import PolicyError
from dativo.isolation.seccomp import seccomp_program

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
X86_64, AARCH64 = 0xC000003E, 0xC00000B7
LOAD, IF_EQUAL, IF_AT_LEAST, IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
TESTS = {
    IF_EQUAL: lambda value, operand: value == operand,
    IF_AT_LEAST: lambda value, operand: value >= operand,
    IF_ANY_BIT: lambda value, operand: bool(value & operand),
}


def answer(program, architecture, number, *arguments):
    """What the filter says to a call: a machine of five instructions."""
    words = [value for each in (*arguments, *[0] * (6 - len(arguments))) for value in (each, 0)]
    data = struct.pack("IIQ12I", number, architecture, 0, *words)
    steps = list(struct.iter_unpack("HBBI", program))
    at = value = 0
    while True:
        code, yes, no, operand = steps[at]
        at += 1
        if code == RETURN:
            return operand
        if code == LOAD:
            (value,) = struct.unpack_from("I", data, operand)
        else:
            at += yes if TESTS[code](value, operand) else no


CALLS = [
    ("x86_64", X86_64, 0, (), ALLOW),
    ("x86_64", X86_64, 59, (), ALLOW),
    ("x86_64", X86_64, 101, (), EPERM),
    ("x86_64", X86_64, 165, (), EPERM),
    ("x86_64", X86_64, 272, (), EPERM),
    ("x86_64", X86_64, 425, (), EPERM),
    ("x86_64", X86_64, 435, (), ENOSYS),
    ("x86_64", X86_64, 0x40000000 + 101, (), ENOSYS),
    ("x86_64", X86_64, 56, (0x11,), ALLOW),
    ("x86_64", X86_64, 56, (0x10000000,), EPERM),
    ("x86_64", X86_64, 56, (0x40000000,), EPERM),
    ("x86_64", X86_64, 16, (0, 0x5413), ALLOW),
    ("x86_64", X86_64, 16, (0, 0x5412), EPERM),
    ("x86_64", X86_64, 16, (0, 0x541C), EPERM),
    ("x86_64", X86_64, 41, (2,), ALLOW),
    ("x86_64", X86_64, 41, (40,), EPERM),
    ("aarch64", AARCH64, 198, (40,), EPERM),
    ("x86_64", AARCH64, 0, (), KILL),
    ("x86_64", 0x40000003, 101, (), KILL),
    ("aarch64", AARCH64, 117, (), EPERM),
    ("aarch64", AARCH64, 101, (), ALLOW),
    ("aarch64", AARCH64, 220, (0x20000000,), EPERM),
    ("aarch64", AARCH64, 29, (0, 0x5412), EPERM),
    ("aarch64", X86_64, 0, (), KILL),
]


@pytest.mark.parametrize(("machine", "architecture", "number", "arguments", "expected"), CALLS)
def test_what_it_says(machine, architecture, number, arguments, expected):
    assert answer(seccomp_program(machine), architecture, number, *arguments) == expected


def test_a_machine_without_a_filter_has_no_sandbox():
    with pytest.raises(PolicyError, match="no filter of system calls for riscv64"):
        seccomp_program("riscv64")

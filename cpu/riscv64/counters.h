/* The events counters can count: the selectors of mhpmevent, for the board's device tree and its SBI. */
#pragma once

enum riscv_event_selector {
    RISCV_EVENT_CYCLES = 0x1,
    RISCV_EVENT_INSTRUCTIONS = 0x2,
    RISCV_EVENT_DTLB_READ_MISS = 0x10019,
    RISCV_EVENT_DTLB_WRITE_MISS = 0x1001b,
    RISCV_EVENT_ITLB_READ_MISS = 0x10021,
    RISCV_EVENT_EXCEPTIONS = 0x100001,
    RISCV_EVENT_INTERRUPTS = 0x100002,
};

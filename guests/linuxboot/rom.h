/* What the option ROM that starts Linux (rom.S) and the machine that shows it agree on. */
#pragma once

#define ROM_SIZE 1024 /* bytes; the last one makes the sum of all 0 */

/* The Plug and Play header, with a checksum of its own. */
#define ROM_PNP          0x20
#define ROM_PNP_SIZE     32
#define ROM_PNP_CHECKSUM (ROM_PNP + 9)

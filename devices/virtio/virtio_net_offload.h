/* What a driver leaves to the card: checksums, and the cutting of large TCP segments, which a backend that
 * takes them whole is spared. */
#pragma once

#include "base/types.h"

/* Types of segmentation (virtio_net_hdr.gso_type). */
#define GSO_NONE  0u
#define GSO_TCPV4 1u
#define GSO_TCPV6 4u

/* Fill in the checksum the driver asked for: the field holds the pseudo header's sum (5.1.6.2). False: it
 * lies outside the frame. */
bool net_checksum_fill(uint8_t *frame, size_t len, size_t start, size_t offset);

/* Make an Ethernet frame with a TCP segment that is to be cut, of this type, one large valid packet: lengths
 * and checksums. False: it is not such a frame. */
bool net_segment_finish(uint8_t *frame, size_t len, unsigned gso_type);

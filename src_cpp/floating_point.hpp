// Copyright 2026 face_recon_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Include first where instruction sets must agree to the bit: keeps the compiler from fusing a
// multiplication and an addition into one rounding, which it may where the processor can.
#pragma once

#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

/* VISION_HOT before a function with a loop over pixels: also compiled for AVX2 and chosen when the
 * program starts (twice the lanes, and byte shuffles that plain x86-64 lacks). Sanitizers
 * instrument the chooser, which runs before they are ready, so they get the plain version. */
#ifndef CORVETTE_VISION_HOT_H
#define CORVETTE_VISION_HOT_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VISION_HOT __attribute__((target_clones("avx2", "default")))
#else
#define VISION_HOT
#endif

#endif

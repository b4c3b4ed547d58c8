/* What libFuzzer calls. Each target is one file: bytes in, nothing but memory errors, hangs and
 * broken promises (abort) out. Built with clang, see -Dfuzz=true. */
#ifndef CORVETTE_TESTS_FUZZ_H
#define CORVETTE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A promise that does not hold ends the run like a memory error does. */
#define FUZZ_CHECK(condition)                                                              \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

#endif

/* Rows and files agree? Reads both, changes nothing, and may run beside a working Corvette. */
#ifndef CORVETTE_FOOTAGE_CHECK_H
#define CORVETTE_FOOTAGE_CHECK_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum check_fault {
    CHECK_NO_FILE = 1, /* a row whose file is not there */
    CHECK_NO_ROW,      /* a file without a row */
    CHECK_UNREADABLE,  /* a file that is no recording of known length */
    CHECK_DISAGREES,   /* row and file tell different times or sizes */
    CHECK_OVERLAP,     /* two recordings of a camera at the same time */
    CHECK_LEFT_OPEN,   /* a segment nobody is writing any more */
    CHECK_GAP,         /* the ledger says that something recorded was not */
    CHECK_NO_PICTURE,  /* an event with a snapshot that is not there */
    CHECK_EXPORT,      /* an export that is in progress, and nobody knows of */
    CHECK_FAULTS,
};
const char *check_fault_name(enum check_fault fault); /* "row without file", ... */

struct check_result {
    uint64_t files, rows;
    uint64_t faults[CHECK_FAULTS];
};

/* One line for each fault to `out`. Number of faults, or -errno with a sentence. */
int64_t check_run(const char *database, const char *data_dir, FILE *out,
                  struct check_result *result, struct err *err);

#endif

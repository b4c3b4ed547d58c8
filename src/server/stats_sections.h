/* The top-level keys of /api/stats, one function each. */
#ifndef CORVETTE_SERVER_STATS_SECTIONS_H
#define CORVETTE_SERVER_STATS_SECTIONS_H

#include "base/jout.h"
#include "server/gpu.h"
#include "server/stats.h"
#include "server/stats_samples.h"

/* What a snapshot is made from. */
struct stats_source {
    const struct stats_setup *setup;
    const struct samples *samples;
    struct gpu *gpu; /* or NULL */
    uint64_t memory_limit_bytes;
};

struct stats_section {
    const char *key;
    /* Writes the value; returns false when the key is absent this time. */
    bool (*write)(const struct stats_source *source, struct jout *json);
};

/* In the order of their keys. */
extern const struct stats_section stats_sections[];
extern const size_t stats_section_count;

#endif

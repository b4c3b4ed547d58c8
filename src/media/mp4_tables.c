/* Sample tables of a plain MP4 (ISO/IEC 14496-12, 8.6 and 8.7): run-length lists that are walked
 * side by side. */
#include "base/mem.h"
#include "media/bytes.h"
#include "media/mp4_private.h"

/* A list of entries of fixed size after a count; `left` of the present run. */
struct table {
    const uint8_t *at, *end;
    size_t entry;
    uint32_t left;
};

static struct table open_table(struct box_span stbl, uint32_t type, size_t head, size_t entry)
{
    struct box box;
    struct table table = {.entry = entry};
    if (box_find(stbl, type, &box) && box_left(&box.body) >= head) {
        table.at = box.body.at + head;
        table.end = box.body.end;
    }
    return table;
}

static bool has_entry(const struct table *table)
{
    return table->at != NULL && (size_t)(table->end - table->at) >= table->entry;
}

/* The value of a run-length table (count, value) for the next sample. */
static bool next_run(struct table *table, uint32_t *value)
{
    while (table->left == 0) {
        if (!has_entry(table)) {
            return false;
        }
        table->left = get_u32(table->at);
        if (table->left == 0) {
            table->at += table->entry;
        }
    }
    *value = get_u32(table->at + 4);
    if (--table->left == 0) {
        table->at += table->entry;
    }
    return true;
}

struct tables {
    struct table times, offsets, keys, sizes, chunks, places;
    bool all_keys, wide_places;
    uint32_t size, samples; /* one size for all, or 0 */
    uint32_t number;        /* of the next sample, from 1 */
};

static bool open_tables(struct box_span stbl, struct tables *tables)
{
    struct box stsz, box;
    tables->times = open_table(stbl, BOX_TYPE('s', 't', 't', 's'), 8, 8);
    tables->offsets = open_table(stbl, BOX_TYPE('c', 't', 't', 's'), 8, 8);
    tables->keys = open_table(stbl, BOX_TYPE('s', 't', 's', 's'), 8, 4);
    tables->all_keys = !box_find(stbl, BOX_TYPE('s', 't', 's', 's'), &box);
    tables->sizes = open_table(stbl, BOX_TYPE('s', 't', 's', 'z'), 12, 4);
    tables->chunks = open_table(stbl, BOX_TYPE('s', 't', 's', 'c'), 8, 12);
    tables->wide_places = box_find(stbl, BOX_TYPE('c', 'o', '6', '4'), &box);
    tables->places = tables->wide_places ? open_table(stbl, BOX_TYPE('c', 'o', '6', '4'), 8, 8)
                                         : open_table(stbl, BOX_TYPE('s', 't', 'c', 'o'), 8, 4);
    tables->number = 1;
    if (!box_find(stbl, BOX_TYPE('s', 't', 's', 'z'), &stsz) || box_left(&stsz.body) < 12) {
        return false;
    }
    tables->size = get_u32(stsz.body.at + 4);
    tables->samples = get_u32(stsz.body.at + 8);
    return tables->samples <= MP4_SAMPLES_MAX;
}

static bool next_sample(struct tables *tables, struct mp4_sample *sample)
{
    uint32_t composition = 0;
    if (tables->number > tables->samples || !next_run(&tables->times, &sample->duration)) {
        return false;
    }
    sample->bytes = tables->size;
    if (tables->size == 0) {
        if (!has_entry(&tables->sizes)) {
            return false;
        }
        sample->bytes = get_u32(tables->sizes.at);
        tables->sizes.at += 4;
    }
    next_run(&tables->offsets, &composition); /* none, or no more: zero */
    sample->composition = (int32_t)composition;
    while (has_entry(&tables->keys) && get_u32(tables->keys.at) < tables->number) {
        tables->keys.at += 4;
    }
    sample->key = tables->all_keys ||
                  (has_entry(&tables->keys) && get_u32(tables->keys.at) == tables->number);
    tables->number++;
    return true;
}

/* Samples of one chunk; false when the tables or the file end within it. */
static bool read_chunk(struct mp4_reader *reader, struct tables *tables, struct mp4_track *track,
                       uint64_t place, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct mp4_sample sample = {.offset = place};
        if (!next_sample(tables, &sample)) {
            return false;
        }
        if (place > reader->source.bytes || sample.bytes > reader->source.bytes - place) {
            reader->mp4->truncated = true;
            return false;
        }
        *MEM_PUSH(track->samples, track->count, track->capacity) = sample;
        track->duration += sample.duration;
        place += sample.bytes;
    }
    return true;
}

void mp4_read_tables(struct mp4_reader *reader, struct box_span stbl, struct mp4_track *track)
{
    struct tables tables = {0};
    if (!open_tables(stbl, &tables) || !has_entry(&tables.chunks)) {
        return;
    }
    uint32_t per_chunk = 0;
    for (uint32_t chunk = 1; has_entry(&tables.places); chunk++) {
        while (has_entry(&tables.chunks) && get_u32(tables.chunks.at) <= chunk) {
            per_chunk = get_u32(tables.chunks.at + 4);
            tables.chunks.at += tables.chunks.entry;
        }
        uint64_t place = tables.wide_places ? get_u64(tables.places.at) : get_u32(tables.places.at);
        tables.places.at += tables.places.entry;
        if (!read_chunk(reader, &tables, track, place, per_chunk)) {
            break;
        }
    }
}

#include "media/clip_tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/box.h"
#include "media/bytes.h"

#define HEADS_MAX (1u << 30) /* what ftyp and moov may add to offsets in mdat */

void clip_track_finish(struct clip_track *track)
{
    str_finish(&track->entries);
    free(track->durations);
    free(track->offsets);
    free(track->sizes);
    free(track->keys);
    free(track->chunks);
}

unsigned clip_track_entry(struct clip_track *track, const void *entry, size_t bytes)
{
    const uint8_t *at = (const uint8_t *)track->entries.data;
    const uint8_t *end = at + track->entries.length;
    for (unsigned number = 1; number <= track->entry_count; number++) {
        size_t length = get_u32(at);
        if (length == bytes && memcmp(at, entry, bytes) == 0) {
            return number;
        }
        at += length;
        if (at >= end) {
            break;
        }
    }
    str_add_bytes(&track->entries, entry, bytes);
    return ++track->entry_count;
}

int64_t clip_track_time(const struct clip_track *track)
{
    return (int64_t)track->duration;
}

static void add_run(struct clip_run **runs, size_t *count, size_t *capacity, uint32_t value)
{
    if (*count > 0 && (*runs)[*count - 1].value == value) {
        (*runs)[*count - 1].count++;
    } else {
        *MEM_PUSH(*runs, *count, *capacity) = (struct clip_run){1, value};
    }
}

void clip_track_seek(struct clip_track *track, int64_t time)
{
    if (track->sample_count == 0) {
        return;
    }
    struct clip_run *last = &track->durations[track->duration_count - 1];
    int64_t longer = time - (int64_t)track->duration;
    int64_t duration = (int64_t)last->value + longer;
    if (longer == 0 || duration < 0 || duration > UINT32_MAX) {
        return;
    }
    track->duration = (uint64_t)time;
    if (--last->count == 0) {
        track->duration_count--;
    }
    add_run(&track->durations, &track->duration_count, &track->duration_capacity,
            (uint32_t)duration);
}

void clip_track_sample(struct clip_track *track, uint32_t bytes, uint32_t duration,
                       int32_t composition, bool key)
{
    add_run(&track->durations, &track->duration_count, &track->duration_capacity, duration);
    add_run(&track->offsets, &track->offset_count, &track->offset_capacity, (uint32_t)composition);
    track->has_offsets = track->has_offsets || composition != 0;
    *MEM_PUSH(track->sizes, track->sample_count, track->size_capacity) = bytes;
    if (key) {
        *MEM_PUSH(track->keys, track->key_count, track->key_capacity) =
            (uint32_t)track->sample_count;
    }
    track->duration += duration;
}

void clip_track_chunk(struct clip_track *track, uint64_t offset, uint32_t samples, unsigned entry)
{
    *MEM_PUSH(track->chunks, track->chunk_count, track->chunk_capacity) =
        (struct clip_chunk){.offset = offset, .samples = samples, .entry = entry};
}

static void put_runs(struct str *out, const char *type, unsigned version,
                     const struct clip_run *runs, size_t count)
{
    size_t box = box_begin_full(out, type, version, 0);
    put_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        put_u32(out, runs[i].count);
        put_u32(out, runs[i].value);
    }
    box_end(out, box);
}

static void put_numbers(struct str *out, const uint32_t *numbers, size_t count)
{
    put_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        put_u32(out, numbers[i]);
    }
}

static void put_stsc(struct str *out, const struct clip_track *track)
{
    size_t box = box_begin_full(out, "stsc", 0, 0);
    size_t count_at = out->length;
    uint32_t count = 0;
    put_u32(out, 0);
    for (size_t i = 0; i < track->chunk_count; i++) {
        const struct clip_chunk *chunk = &track->chunks[i];
        if (i == 0 || chunk->samples != chunk[-1].samples || chunk->entry != chunk[-1].entry) {
            put_u32(out, (uint32_t)i + 1);
            put_u32(out, chunk->samples);
            put_u32(out, chunk->entry);
            count++;
        }
    }
    set_u32((uint8_t *)out->data + count_at, count);
    box_end(out, box);
}

void clip_track_write(const struct clip_track *track, uint64_t data_offset, uint64_t data_bytes,
                      struct str *out)
{
    put_runs(out, "stts", 0, track->durations, track->duration_count);
    if (track->has_offsets) {
        put_runs(out, "ctts", 1, track->offsets, track->offset_count);
    }
    if (track->key_count < track->sample_count) { /* without it all samples are */
        size_t stss = box_begin_full(out, "stss", 0, 0);
        put_numbers(out, track->keys, track->key_count);
        box_end(out, stss);
    }
    put_stsc(out, track);
    size_t stsz = box_begin_full(out, "stsz", 0, 0);
    put_u32(out, 0);
    put_numbers(out, track->sizes, track->sample_count);
    box_end(out, stsz);
    bool wide = data_bytes > UINT32_MAX - HEADS_MAX;
    size_t places = box_begin_full(out, wide ? "co64" : "stco", 0, 0);
    put_u32(out, (uint32_t)track->chunk_count);
    for (size_t i = 0; i < track->chunk_count; i++) {
        uint64_t offset = data_offset + track->chunks[i].offset;
        if (wide) {
            put_u64(out, offset);
        } else {
            put_u32(out, (uint32_t)offset);
        }
    }
    box_end(out, places);
}

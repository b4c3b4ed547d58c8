#include "vision/regions.h"

#include <math.h>
#include <string.h>

/* A member must cover this part of the common region, or the detector would see it too small. */
#define MIN_MEMBER_PART 0.05
/* A cluster reaches as far as a region of which its first box would be this part. */
#define BOUNDARY_PART 0.1
#define STARTUP_MAX 8
#define UNASSIGNED UINT16_MAX

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

/* Where a square of `size` starts on an axis of `length` so that it is centred on the middle of
 * low..high but stays inside, as far as it fits. */
static int place(double low, double high, int size, int length)
{
    int offset = (int)((high - low) / 2 + low - size / 2.0);
    if (offset < 0 || size >= length) {
        return 0;
    }
    return min_int(offset, length - size);
}

struct box regions_around(const struct regions_options *options, struct box box, double multiplier)
{
    int longer = max_int(box_width(box), box_height(box));
    int size = max_int((int)(longer * multiplier / 4) * 4, options->min_region);
    int x = place(box.x1, box.x2, size, options->frame_width);
    int y = place(box.y1, box.y2, size, options->frame_height);
    return (struct box){x, y, x + size, y + size};
}

struct box regions_boundary(struct box box, int min_region)
{
    double width = box_width(box), height = box_height(box);
    int reach = max_int(min_region, (int)sqrt(width * height / BOUNDARY_PART));
    double centre_x = box.x1 + width / 2, centre_y = box.y1 + height / 2;
    int dx = (int)(reach - width / 2 * 1.1), dy = (int)(reach - height / 2 * 1.1);
    return (struct box){(int)(centre_x - dx), (int)(centre_y - dy), (int)(centre_x + dx),
                        (int)(centre_y + dy)};
}

/* Whether a cluster spanning `span` whose smallest member has that area makes a good region. */
static bool fits_region(const struct regions_options *options, struct box span, int64_t smallest)
{
    struct box region = regions_around(options, span, REGIONS_AROUND_OBJECT);
    return box_width(region) <= options->min_region ||
           (double)smallest >= MIN_MEMBER_PART * (double)box_area_inclusive(region);
}

unsigned regions_cluster(const struct regions_options *options, const struct box *boxes,
                         size_t count, uint16_t *cluster_of)
{
    unsigned clusters = 0;
    memset(cluster_of, 0xff, count * sizeof *cluster_of);
    for (size_t first = 0; first < count; first++) {
        if (cluster_of[first] != UNASSIGNED) {
            continue;
        }
        cluster_of[first] = (uint16_t)clusters;
        struct box span = boxes[first];
        int64_t smallest = box_area_inclusive(boxes[first]);
        struct box boundary = regions_boundary(boxes[first], options->min_region);
        /* Earlier boxes all belong to a cluster already, so looking ahead sees every free one. */
        for (size_t i = first + 1; i < count; i++) {
            if (cluster_of[i] != UNASSIGNED || !box_contains(boundary, boxes[i])) {
                continue;
            }
            struct box wider = box_union(span, boxes[i]);
            int64_t area = box_area_inclusive(boxes[i]);
            int64_t least = area < smallest ? area : smallest;
            if (fits_region(options, wider, least)) {
                cluster_of[i] = (uint16_t)clusters;
                span = wider;
                smallest = least;
            }
        }
        clusters++;
    }
    return clusters;
}

/* Bounding boxes of the clusters of at most REGIONS_MAX_BOXES boxes; returns how many. */
static unsigned cluster_spans(const struct regions_options *options, const struct box *boxes,
                              size_t count, struct box spans[REGIONS_MAX_BOXES])
{
    uint16_t cluster_of[REGIONS_MAX_BOXES];
    bool seen[REGIONS_MAX_BOXES] = {false};
    unsigned clusters = regions_cluster(options, boxes, count, cluster_of);
    for (size_t i = 0; i < count; i++) {
        unsigned c = cluster_of[i];
        spans[c] = seen[c] ? box_union(spans[c], boxes[i]) : boxes[i];
        seen[c] = true;
    }
    return clusters;
}

static struct box square_at(const struct regions_options *options, double x, double y, double size)
{
    struct box box = {(int)(x - size / 2), (int)(y - size / 2), (int)(x + size / 2),
                      (int)(y + size / 2)};
    return regions_around(options, box, 1.0);
}

/* Region of a motion cluster: motion often shows only a part of the object, so where the grid knows
 * that larger regions are usual, the usual size is taken. (The reference doubles that size once
 * more; the grid holds sizes of regions, not of objects, so it is taken as it is.) */
static struct box motion_region(const struct regions_options *options, const struct grid *grid,
                                struct box span)
{
    struct box region = regions_around(options, span, REGIONS_AROUND_MOTION);
    if (grid == NULL) {
        return region;
    }
    double x = (span.x1 + span.x2) / 2.0, y = (span.y1 + span.y2) / 2.0;
    const struct grid_cell *cell =
        grid_cell_at(grid, (int)x, (int)y, options->frame_width, options->frame_height);
    double relative = (double)box_width(region) / options->frame_width;
    if (cell->count == 0 || relative >= cell->mean - cell->std_dev) {
        return region;
    }
    return square_at(options, x, y, cell->mean * options->frame_width);
}

/* Adds `count` regions, or as many as fit under `limit` in all; then the places go round so that
 * over the following pictures each has its turn. */
static void add_in_turn(struct regions *regions, const struct box *items, unsigned count,
                        unsigned limit, uint64_t turn)
{
    unsigned room = limit > regions->count ? limit - regions->count : 0;
    unsigned taken = count < room ? count : room;
    regions->dropped += count - taken;
    if (taken == 0) {
        return;
    }
    unsigned start = taken < count ? (unsigned)(turn % count * taken % count) : 0;
    for (unsigned i = 0; i < taken; i++) {
        regions->items[regions->count++] = items[(start + i) % count];
    }
}

/* Nothing is known of the place yet: the whole picture once, and tiles of its shorter side. */
static unsigned tiles(const struct regions_options *options, struct box out[STARTUP_MAX])
{
    int width = options->frame_width, height = options->frame_height;
    int side = min_int(width, height), longer = max_int(width, height);
    unsigned count = 0;
    out[count++] = regions_around(options, (struct box){0, 0, width, height}, 1.0);
    int pieces = min_int((longer + side - 1) / side, STARTUP_MAX - 1);
    for (int i = 0; i < pieces && pieces > 1; i++) {
        int at = (int)((int64_t)(longer - side) * i / (pieces - 1));
        struct box tile = width >= height ? (struct box){at, 0, at + side, side}
                                          : (struct box){0, at, side, at + side};
        out[count++] = regions_around(options, tile, 1.0);
    }
    return count;
}

/* Squares of the usual size around the most populated cells. */
static unsigned popular_cells(const struct regions_options *options, const struct grid *grid,
                              struct box out[STARTUP_MAX])
{
    bool used[GRID_SIZE][GRID_SIZE] = {{false}};
    unsigned count = 0;
    while (count < STARTUP_MAX) {
        int best_x = -1, best_y = -1;
        unsigned best = 0;
        for (int x = 0; x < GRID_SIZE; x++) {
            for (int y = 0; y < GRID_SIZE; y++) {
                if (!used[x][y] && grid->cells[x][y].count > best) {
                    best = grid->cells[x][y].count;
                    best_x = x;
                    best_y = y;
                }
            }
        }
        if (best == 0) {
            break;
        }
        used[best_x][best_y] = true;
        out[count++] = square_at(options, options->frame_width * (best_x + 0.5) / GRID_SIZE,
                                 options->frame_height * (best_y + 0.5) / GRID_SIZE,
                                 grid->cells[best_x][best_y].mean * options->frame_width);
    }
    return count;
}

static bool is_inside_any(const struct box *items, unsigned count, struct box box)
{
    for (unsigned i = 0; i < count; i++) {
        if (box_contains(items[i], box)) {
            return true;
        }
    }
    return false;
}

/* Regions of the motion that the objects' regions do not show already. */
static unsigned motion_regions(const struct regions_options *options,
                               const struct regions_want *want, const struct box *shown,
                               unsigned shown_count, struct box out[REGIONS_MAX_BOXES])
{
    struct box rest[REGIONS_MAX_BOXES];
    unsigned count = 0;
    for (size_t i = 0; i < want->motion_count && count < REGIONS_MAX_BOXES; i++) {
        if (!is_inside_any(shown, shown_count, want->motion[i])) {
            rest[count++] = want->motion[i];
        }
    }
    count = cluster_spans(options, rest, count, out);
    for (unsigned i = 0; i < count; i++) {
        out[i] = motion_region(options, want->grid, out[i]);
    }
    return count;
}

void regions_choose(const struct regions_options *options, const struct regions_want *want,
                    struct regions *regions)
{
    unsigned limit =
        options->limit == 0 || options->limit > REGIONS_MAX ? REGIONS_MAX : options->limit;
    struct box objects[REGIONS_MAX_BOXES], motion[REGIONS_MAX_BOXES], startup[STARTUP_MAX];
    size_t object_count =
        want->object_count < REGIONS_MAX_BOXES ? want->object_count : REGIONS_MAX_BOXES;
    regions->count = 0;
    regions->dropped = (unsigned)(want->object_count - object_count);

    unsigned objects_found = cluster_spans(options, want->objects, object_count, objects);
    for (unsigned i = 0; i < objects_found; i++) {
        objects[i] = regions_around(options, objects[i], REGIONS_AROUND_OBJECT);
    }
    unsigned motion_found = motion_regions(options, want, objects, objects_found, motion);
    /* A crowd of known objects must not keep new ones from ever being seen. */
    unsigned reserved = min_int((int)motion_found, (int)limit / 4);
    add_in_turn(regions, objects, objects_found, limit - reserved, want->turn);
    add_in_turn(regions, motion, motion_found, limit, want->turn);
    if (want->startup) {
        bool is_learned = want->grid != NULL && !grid_is_empty(want->grid);
        unsigned found =
            is_learned ? popular_cells(options, want->grid, startup) : tiles(options, startup);
        add_in_turn(regions, startup, found, limit, want->turn);
    }
}

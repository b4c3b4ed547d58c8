#include "server/grids.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/db_region.h"
#include "vision/grid.h"

#define WRITE_INTERVAL_US 60000000

struct grid_state {
    char *json; /* NULL = none known */
    double updated;
    bool changed;   /* not stored yet */
    int64_t put_us; /* monotonic; 0 = never */
};

struct grids {
    const struct config *config;
    struct store *store;
    struct grid_state *cameras;
};

/* A grid that Frigate let grow for years is cut to what is still of use: its newest samples. */
static char *read_stored(struct str *json)
{
    if (json->length < sizeof((struct msg_grid *)NULL)->json) {
        return str_steal(json);
    }
    struct grid *grid = mem_alloc(sizeof *grid);
    struct err err = ERR_NONE;
    struct str shorter = {0};
    if (grid_load(grid, json->data, json->length, &err)) {
        grid_write(grid, &shorter);
    }
    free(grid);
    return shorter.length > 0 ? str_steal(&shorter) : NULL;
}

struct grids *grids_create(const struct config *config, struct store *store)
{
    struct grids *grids = mem_alloc(sizeof *grids);
    grids->config = config;
    grids->store = store;
    grids->cameras = mem_array(config->camera_count, sizeof *grids->cameras);
    AUTO_READER struct db *db = store_reader(store);
    for (size_t i = 0; i < config->camera_count && db != NULL; i++) {
        struct grid_state *state = &grids->cameras[i];
        struct str json = {0};
        if (db_region_get(db, config->cameras[i].name, &json, &state->updated) == 0) {
            state->json = read_stored(&json);
        }
        str_finish(&json);
    }
    return grids;
}

void grids_destroy(struct grids *grids)
{
    if (grids == NULL) {
        return;
    }
    for (size_t i = 0; i < grids->config->camera_count; i++) {
        free(grids->cameras[i].json);
    }
    free(grids->cameras);
    free(grids);
}

int grids_take(struct grids *grids, int camera, const struct msg_grid *grid)
{
    json_t *parsed = json_loads(grid->json, 0, NULL);
    bool is_list = json_is_array(parsed);
    json_decref(parsed);
    if (!is_list) {
        return -EBADMSG;
    }
    struct grid_state *state = &grids->cameras[camera];
    free(state->json);
    state->json = mem_strdup(grid->json);
    state->updated = grid->updated;
    state->changed = true;
    grids_flush(grids, false);
    return 0;
}

void grids_send(struct grids *grids, int camera, struct channel *channel)
{
    const struct grid_state *state = &grids->cameras[camera];
    if (state->json == NULL) {
        return;
    }
    struct msg_grid *grid = mem_alloc(sizeof *grid); /* large for a stack */
    snprintf(grid->camera, sizeof grid->camera, "%s", grids->config->cameras[camera].name);
    snprintf(grid->json, sizeof grid->json, "%s", state->json);
    grid->updated = state->updated;
    int result = channel_send(channel, MSG_GRID, grid, -1);
    if (result < 0) {
        log_warning("camera %s: analyse did not take its region grid (%s) and learns afresh",
                    grid->camera, err_name(result));
    }
    free(grid);
}

void grids_flush(struct grids *grids, bool all)
{
    int64_t now_us = mono_now().us;
    for (size_t i = 0; i < grids->config->camera_count; i++) {
        struct grid_state *state = &grids->cameras[i];
        bool due = state->put_us == 0 || now_us - state->put_us >= WRITE_INTERVAL_US;
        if (!state->changed || !(due || all)) {
            continue;
        }
        struct store_work *work = store_begin(grids->store);
        db_region_put(work, grids->config->cameras[i].name, state->json, state->updated);
        if (store_submit(work) == 0) {
            state->changed = false;
            state->put_us = now_us;
        }
    }
}

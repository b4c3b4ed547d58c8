#include "store/db_event_plus.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

void db_event_plus_finish(struct db_event_plus *event)
{
    free(event->camera);
    free(event->label);
    free(event->plus_id);
    free(event->model_hash);
    free(event->model_type);
    free(event->detector_type);
    *event = (struct db_event_plus){0};
}

/* NULL for NULL and for "". */
static char *copy_column(struct db_query *query, const char *name)
{
    const char *text = db_text(query, db_column(query, name), NULL);
    return *text != '\0' ? mem_strdup(text) : NULL;
}

int db_event_plus_get(struct db *db, const char *id, struct db_event_plus *event)
{
    *event = (struct db_event_plus){0};
    AUTO_QUERY struct db_query *query = db_query(
        db, "SELECT json_extract(data, '$.box[0]'), json_extract(data, '$.box[1]'), "
            "json_extract(data, '$.box[2]'), json_extract(data, '$.box[3]'), "
            "json_extract(data, '$.region[0]'), json_extract(data, '$.region[1]'), "
            "json_extract(data, '$.region[2]'), json_extract(data, '$.region[3]'), "
            "camera, label, end_time IS NOT NULL AS ended, plus_id, "
            "coalesce(false_positive, 0) AS false_positive, "
            "json_extract(data, '$.box') IS NOT NULL AS has_box, "
            "coalesce(json_extract(data, '$.score'), json_extract(data, '$.top_score'), 0) "
            "AS best_score, model_hash, model_type, detector_type FROM event WHERE id = ?");
    db_bind_text(query, id);
    int result = db_step(query);
    if (result != 1) {
        return result < 0 ? result : -ENOENT;
    }
    for (int i = 0; i < 4; i++) {
        event->box[i] = db_double(query, i);
        event->region[i] = db_double(query, 4 + i);
    }
    event->camera = mem_strdup(db_text(query, db_column(query, "camera"), NULL));
    event->label = mem_strdup(db_text(query, db_column(query, "label"), NULL));
    event->ended = db_int(query, db_column(query, "ended")) != 0;
    event->plus_id = copy_column(query, "plus_id");
    event->false_positive = db_int(query, db_column(query, "false_positive")) != 0;
    event->has_box = db_int(query, db_column(query, "has_box")) != 0;
    event->score = db_double(query, db_column(query, "best_score"));
    event->model_hash = copy_column(query, "model_hash");
    event->model_type = copy_column(query, "model_type");
    event->detector_type = copy_column(query, "detector_type");
    return 0;
}

struct sent {
    char *id, *plus_id;
    bool false_positive;
};

static void free_sent(void *data)
{
    struct sent *sent = data;
    free(sent->id);
    free(sent->plus_id);
    free(sent);
}

static int write_sent(struct db *db, void *data)
{
    const struct sent *sent = data;
    AUTO_QUERY struct db_query *query = db_query(
        db, sent->false_positive ? "UPDATE event SET plus_id = ?, false_positive = 1 WHERE id = ?"
                                 : "UPDATE event SET plus_id = ? WHERE id = ?");
    db_bind_text(query, sent->plus_id);
    db_bind_text(query, sent->id);
    return db_run(query);
}

void db_event_plus_sent(struct store_work *work, const char *id, const char *plus_id,
                        bool false_positive)
{
    struct sent *sent = mem_alloc(sizeof *sent);
    *sent = (struct sent){mem_strdup(id), mem_strdup(plus_id), false_positive};
    store_add(work, write_sent, sent, free_sent);
}

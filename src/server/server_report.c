#include "server/server_report.h"

/* A list of them ends with a NULL key. */
struct number {
    const char *key;
    uint64_t value;
};

/* Begins the object and writes the numbers; the caller may add more, and ends it. */
static void put_object(struct jout *json, const char *name, const struct number *numbers)
{
    jout_key(json, name);
    jout_begin_object(json);
    for (; numbers->key != NULL; numbers++) {
        jout_put_int(json, numbers->key, (int64_t)numbers->value);
    }
}

void server_report_json(const struct server_report *report, struct jout *json)
{
    put_object(json, "adoption", (struct number[]){{"adopted", report->adopt.adopted}, {0}});
    jout_put_bool(json, "complete", report->adopt.complete);
    jout_put_bool(json, "scanning", report->adopt.scanning);
    jout_put_int(json, "seen", (int64_t)report->adopt.seen);
    jout_put_int(json, "unreadable", (int64_t)report->adopt.unreadable);
    jout_end_object(json);

    put_object(json, "database",
               (struct number[]){{"delays", report->store.delays},
                                 {"failed", report->store.works_failed},
                                 {"queued", report->store.queued},
                                 {"refused", report->store.works_refused},
                                 {0}});
    const char *trouble = report->store.trouble;
    jout_put_string(json, "trouble", trouble[0] != '\0' ? trouble : NULL);
    jout_put_int(json, "written", (int64_t)report->store.works_done);
    jout_end_object(json);

    put_object(json, "events",
               (struct number[]){{"delayed", report->events.delayed},
                                 {"lost", report->events.lost},
                                 {"rows", report->events.rows},
                                 {"running", report->events.running},
                                 {"snapshots", report->events.snapshots},
                                 {"snapshots_failed", report->events.snapshots_failed},
                                 {"waiting", report->events.waiting},
                                 {0}});
    jout_end_object(json);

    jout_key(json, "keeper");
    keeper_report(report->keeper, json);

    put_object(json, "live",
               (struct number[]){{"frames", report->live.frames},
                                 {"messages_refused", report->messages_refused},
                                 {"objects", report->live.objects},
                                 {"objects_dropped", report->live.objects_dropped},
                                 {"pictures", report->live.bests},
                                 {"pictures_refused", report->live.pictures_refused},
                                 {0}});
    jout_end_object(json);

    put_object(json, "manual",
               (struct number[]){{"made", report->manual.made},
                                 {"refused", report->manual.refused},
                                 {"running", report->manual.running},
                                 {"snapshots_failed", report->manual.snapshots_failed},
                                 {"waiting", report->manual.waiting},
                                 {0}});
    jout_end_object(json);

    jout_key(json, "previews");
    previews_report(report->previews, json);

    put_object(json, "recordings",
               (struct number[]){{"dropped", report->recordings.dropped},
                                 {"refused", report->recordings.refused},
                                 {"rows", report->recordings.rows},
                                 {"waiting", report->recordings.waiting},
                                 {0}});
    jout_end_object(json);

    put_object(json, "review",
               (struct number[]){{"delayed", report->review.delayed},
                                 {"left_out", report->review.left_out},
                                 {"lost", report->review.lost},
                                 {"rows", report->review.rows},
                                 {"running", report->review.running},
                                 {"thumbnails", report->review.thumbnails},
                                 {"thumbnails_dropped", report->review.thumbnails_dropped},
                                 {"thumbnails_failed", report->review.thumbnails_failed},
                                 {"waiting", report->review.waiting},
                                 {0}});
    jout_end_object(json);

    jout_key(json, "sound");
    sound_report(report->sound, json);

    put_object(json, "timeline",
               (struct number[]){{"dropped", report->timeline.dropped},
                                 {"objects", report->timeline.objects},
                                 {"rows", report->timeline.rows},
                                 {"waiting", report->timeline.waiting},
                                 {0}});
    jout_end_object(json);
}

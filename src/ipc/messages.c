#include "ipc/messages.h"

#include "base/cleanup.h"

#define RECORD(name_, struct_, ...)                                                              \
    static const struct rec_field name_##_fields[] = {__VA_ARGS__};                              \
    static const struct record name_##_record = {#name_, sizeof(struct struct_), name_##_fields, \
                                                 ARRAY_SIZE(name_##_fields)};
#define F(type_, struct_, member_) REC_FIELD(REC_##type_, struct_, member_)
#define N(type_, struct_, member_, n_) REC_NUMBERS(REC_##type_, struct_, member_, n_)

RECORD(hello, msg_hello, F(U32, msg_hello, version), F(U32, msg_hello, role),
       F(TEXT, msg_hello, name), F(I32, msg_hello, pid))
RECORD(give, msg_give, F(U32, msg_give, what), F(U32, msg_give, role), F(TEXT, msg_give, name))
RECORD(start, msg_start, F(TEXT, msg_start, config_path), F(TEXT, msg_start, data_dir),
       F(TEXT, msg_start, listen), F(TEXT, msg_start, listen_auth), F(U32, msg_start, detector))
RECORD(fatal, msg_fatal, F(TEXT, msg_fatal, reason))
RECORD(empty, msg_empty, F(U32, msg_empty, nothing))
RECORD(segment, msg_segment, F(TEXT, msg_segment, camera), F(TEXT, msg_segment, path),
       F(F64, msg_segment, start), F(F64, msg_segment, end), F(F64, msg_segment, duration),
       F(U64, msg_segment, bytes), F(I32, msg_segment, dbfs),
       F(U64, msg_segment, parameters))
RECORD(box, msg_box, N(I32, msg_box, box, 4))
RECORD(zone, msg_zone, F(U32, msg_zone, zone))
RECORD(attribute, msg_attribute, F(TEXT, msg_attribute, label), F(F32, msg_attribute, score),
       N(I32, msg_attribute, box, 4))
RECORD(object, msg_object, F(TEXT, msg_object, id), F(TEXT, msg_object, label),
       F(TEXT, msg_object, sub_label), F(F32, msg_object, sub_label_score),
       F(F64, msg_object, start_time), F(F64, msg_object, frame_time), F(F64, msg_object, end_time),
       F(BOOL, msg_object, false_positive), F(BOOL, msg_object, stationary),
       F(BOOL, msg_object, active), F(BOOL, msg_object, significant), F(F32, msg_object, score),
       F(F32, msg_object, computed_score), F(F32, msg_object, top_score),
       N(I32, msg_object, box, 4), N(I32, msg_object, region, 4), F(I32, msg_object, area),
       F(F32, msg_object, ratio), F(U32, msg_object, motionless_count),
       F(U32, msg_object, position_changes), REC_LIST(msg_object, current_zones, &zone_record),
       REC_LIST(msg_object, entered_zones, &zone_record),
       REC_LIST(msg_object, attributes, &attribute_record),
       REC_LIST(msg_object, current_attributes, &attribute_record),
       F(U32, msg_object, best_revision), F(F64, msg_object, best_time),
       F(F32, msg_object, best_score), N(I32, msg_object, best_box, 4),
       N(I32, msg_object, best_region, 4), F(I32, msg_object, best_area),
       REC_LIST(msg_object, best_attributes, &attribute_record))
RECORD(frame, msg_frame, F(TEXT, msg_frame, camera), F(U64, msg_frame, sequence),
       F(F64, msg_frame, time), F(BOOL, msg_frame, calibrating),
       REC_LIST(msg_frame, motion, &box_record), REC_LIST(msg_frame, regions, &box_record),
       REC_LIST(msg_frame, objects, &object_record))
RECORD(best, msg_best, F(TEXT, msg_best, camera), F(TEXT, msg_best, id), F(U32, msg_best, revision),
       F(F64, msg_best, time), F(U32, msg_best, width), F(U32, msg_best, height))
RECORD(grid, msg_grid, F(TEXT, msg_grid, camera), F(F64, msg_grid, updated),
       F(TEXT, msg_grid, json))
RECORD(gap, msg_gap, F(TEXT, msg_gap, camera), F(F64, msg_gap, start), F(F64, msg_gap, end),
       F(U32, msg_gap, cause), F(TEXT, msg_gap, detail))
RECORD(space, msg_space, F(TEXT, msg_space, camera), F(U64, msg_space, needed),
       F(I32, msg_space, error))
RECORD(label, msg_label, F(TEXT, msg_label, label), F(F32, msg_label, score))
RECORD(sound, msg_sound, F(TEXT, msg_sound, camera), F(F64, msg_sound, start),
       F(F64, msg_sound, end), F(F32, msg_sound, rms), REC_LIST(msg_sound, labels, &label_record))

static const struct msg_row rows[MSG_TYPE_COUNT] = {
    [MSG_HELLO] = {"hello", &hello_record},
    [MSG_GIVE] = {"give", &give_record},
    [MSG_START] = {"start", &start_record},
    [MSG_STOP] = {"stop", &empty_record},
    [MSG_FATAL] = {"fatal", &fatal_record},
    [MSG_RESTART] = {"restart", &empty_record},
    [MSG_SEGMENT] = {"segment", &segment_record},
    [MSG_FRAME] = {"frame", &frame_record},
    [MSG_BEST] = {"best", &best_record},
    [MSG_GRID] = {"grid", &grid_record},
    [MSG_GAP] = {"gap", &gap_record},
    [MSG_SPACE] = {"space", &space_record},
    [MSG_SOUND] = {"sound", &sound_record},
};

const struct msg_row *msg_row(unsigned type)
{
    return type < MSG_TYPE_COUNT && rows[type].record != NULL ? &rows[type] : NULL;
}

const char *gap_cause_name(uint32_t cause)
{
    static const char *const names[GAP_CAUSES] = {
        [GAP_UNREACHABLE] = "unreachable",
        [GAP_NO_KEYFRAME] = "no_keyframe",
        [GAP_NO_VIDEO] = "no_video",
        [GAP_DISK] = "disk",
        [GAP_STOPPED] = "stopped",
        [GAP_DISABLED] = "disabled",
        [GAP_LOST] = "lost",
        [GAP_CLOCK] = "clock",
    };
    return cause < GAP_CAUSES && names[cause] != NULL ? names[cause] : "unknown";
}

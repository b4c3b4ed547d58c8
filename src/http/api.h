/* Handlers of the route table (routes.c), one file per section of the API. */
#ifndef CORVETTE_HTTP_API_H
#define CORVETTE_HTTP_API_H

struct request;

/* api_system.c */
void api_root(struct request *request);
void api_stats(struct request *request);
void api_stats_history(struct request *request);
void api_version(struct request *request);
void api_restart(struct request *request);
void api_openapi(struct request *request);

/* api_config.c */
void api_config(struct request *request);
void api_config_raw(struct request *request);
void api_config_schema(struct request *request);
void api_config_save(struct request *request);
void api_config_set(struct request *request);

/* api_auth.c */
void api_login(struct request *request);
void api_logout(struct request *request);
void api_auth(struct request *request);
void api_profile(struct request *request);
void api_users(struct request *request);
void api_user_create(struct request *request);
void api_user_delete(struct request *request);
void api_user_password(struct request *request);

/* api_probe.c */
void api_ffprobe(struct request *request);
void api_vainfo(struct request *request);

/* api_logs.c */
void api_logs(struct request *request);

/* api_camera.c: pictures of now */
void api_camera_stream(struct request *request);
void api_camera_latest_jpeg(struct request *request);
void api_camera_latest_webp(struct request *request);
void api_camera_grid(struct request *request);

/* api_ptz.c */
void api_ptz_info(struct request *request);
void api_ptz_status(struct request *request);
void api_ptz_command(struct request *request);

/* api_plus.c */
void api_event_plus(struct request *request);
void api_event_false_positive(struct request *request);
void api_recording_plus(struct request *request);

/* api_event.c: rows */
void api_events(struct request *request);
void api_events_summary(struct request *request);
void api_event(struct request *request);
void api_event_delete(struct request *request);
void api_event_retain(struct request *request);
void api_event_unretain(struct request *request);
void api_event_sub_label(struct request *request);
void api_labels(struct request *request);
void api_sub_labels(struct request *request);

/* api_manual.c */
void api_event_create(struct request *request);
void api_event_end(struct request *request);

/* api_event_picture.c */
void api_event_thumbnail(struct request *request);
void api_event_snapshot(struct request *request);
void api_event_snapshot_clean(struct request *request);
void api_label_thumbnail(struct request *request);
void api_label_snapshot(struct request *request);

/* api_preview.c: films and pictures of previews as they are */
void api_previews(struct request *request);
void api_previews_hour(struct request *request);
void api_preview_frames(struct request *request);
void api_preview_frame(struct request *request);

/* api_preview_strip.c: a span in a few pictures */
void api_span_preview_gif(struct request *request);
void api_span_preview_mp4(struct request *request);
void api_span_preview(struct request *request);
void api_event_preview(struct request *request);
void api_review_preview(struct request *request);

/* api_recording.c */
void api_recordings(struct request *request);
void api_recordings_summary(struct request *request);
void api_recordings_storage(struct request *request);

/* api_export.c */
void api_export_begin(struct request *request);
void api_exports(struct request *request);
void api_exports_progress(struct request *request);
void api_export_progress(struct request *request);
void api_export_cancel(struct request *request);
void api_export_delete(struct request *request);
void api_export_rename(struct request *request);

/* api_recording_picture.c */
void api_recording_snapshot(struct request *request);

/* api_gaps.c */
void api_recordings_gaps(struct request *request);

/* api_retention.c */
void api_recordings_retention(struct request *request);

/* api_vod.c: playing */
void api_vod_mapping(struct request *request);
void api_vod(struct request *request);

/* api_clip.c: cutting */
void api_event_clip(struct request *request);
void api_label_clip(struct request *request);
void api_span_clip(struct request *request);

/* api_timeline.c */
void api_timeline(struct request *request);
void api_timeline_hourly(struct request *request);

/* api_review.c */
void api_review_list(struct request *request);
void api_review_summary(struct request *request);
void api_review(struct request *request);
void api_review_of_event(struct request *request);
void api_reviews_viewed(struct request *request);
void api_review_viewed(struct request *request);
void api_review_not_viewed(struct request *request);
void api_reviews_delete(struct request *request);
void api_activity_motion(struct request *request);
void api_activity_audio(struct request *request);

/* files.c */
void api_clips(struct request *request);
void api_recording_files(struct request *request);
void api_export_files(struct request *request);

#endif

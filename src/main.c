/* Command line and role dispatch: each command is a row. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "capture/capture.h"
#include "config/config.h"
#include "config/presets.h"
#include "config/reference.h"
#include "ipc/worker.h"
#include "supervisor/supervisor.h"
#include "version.h"

struct command {
    const char *name, *arguments, *help;
    int (*run)(int argc, char **argv);
};

static int usage_error(const char *format, const char *what)
{
    fprintf(stderr, "corvette: ");
    fprintf(stderr, format, what);
    fprintf(stderr, "\nTry 'corvette help'.\n");
    return 2;
}

static int run_command(int argc, char **argv)
{
    const char *from_environment = getenv("CONFIG_FILE");
    struct supervisor_options options = {
        .config_path = from_environment != NULL ? from_environment : "/config/config.yml",
        .data_dir = "data",
        .listen = "127.0.0.1:5000",
    };
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'},
        {"data", required_argument, NULL, 'd'},
        {"listen", required_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "c:d:l:", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            options.config_path = optarg;
            break;
        case 'd':
            options.data_dir = optarg;
            break;
        case 'l':
            options.listen = optarg;
            break;
        default:
            return usage_error("%s", "unknown option");
        }
    }
    if (optind < argc) {
        return usage_error("'%s' is one argument too many", argv[optind]);
    }
    int status = supervisor_run(&options);
    if (status == SUPERVISOR_RESTART) {
        execv("/proc/self/exe", argv - 1);
        fprintf(stderr, "corvette: cannot start again: %s\n", strerror(errno));
        return 1;
    }
    return status;
}

struct complaint {
    const char *file, *camera, *key;
};

static void complain(void *context, const char *argument, const char *why)
{
    const struct complaint *at = context;
    fprintf(stderr, "%s: warning: cameras.%s.ffmpeg.%s: %s %s\n", at->file, at->camera, at->key,
            argument, why);
}

/* Options that read well but that capture has no use for. */
static void check_arguments(const char *file, const struct cfg_camera *camera)
{
    const struct cfg_ffmpeg_output *outputs = &camera->ffmpeg.common.output_args;
    struct cfg_list record = {0};
    config_presets_expand_record(&outputs->record, &record);
    struct complaint at = {file, camera->name, "output_args.record"};
    capture_args_check(CAPTURE_ARGS_RECORD, &record, complain, &at);
    config_list_finish(&record);
    at.key = "inputs.input_args";
    for (size_t i = 0; i < camera->ffmpeg.count; i++) {
        struct cfg_list input = {0};
        config_presets_expand_input(&camera->ffmpeg.inputs[i].input_args, camera->detect.fps,
                                    &input);
        capture_args_check(CAPTURE_ARGS_INPUT, &input, complain, &at);
        config_list_finish(&input);
    }
}

static int check_config_command(int argc, char **argv)
{
    if (argc != 2) {
        return usage_error("%s", "check-config needs one file");
    }
    AUTO_STR struct str text = {0}, report = {0};
    int result = str_read_file(&text, argv[1], 16u << 20);
    if (result < 0) {
        fprintf(stderr, "%s: cannot be read: %s\n", argv[1], strerror(-result));
        return 1;
    }
    struct cfg_issues issues = {0};
    struct config *config = config_load(argv[1], str_text(&text), text.length, &issues);
    config_issues_format(&issues, argv[1], &report);
    fputs(str_text(&report), stderr);
    for (size_t i = 0; config != NULL && i < config->camera_count; i++) {
        check_arguments(argv[1], &config->cameras[i]);
    }
    if (config != NULL) {
        printf("%s: good, %zu cameras\n", argv[1], config->camera_count);
    }
    bool good = config != NULL;
    config_issues_finish(&issues);
    config_free(config);
    return good ? 0 : 1;
}

static int config_reference_command(int argc, char **argv)
{
    AUTO_STR struct str out = {0};
    if (argc == 2 && str_equal(argv[1], "--json-schema")) {
        config_reference_schema(&out);
    } else if (argc == 1) {
        config_reference_markdown(&out);
    } else {
        return usage_error("'%s' is not an option of config-reference", argv[1]);
    }
    fputs(str_text(&out), stdout);
    return 0;
}

static int probe_command(int argc, char **argv)
{
    if (argc != 2) {
        return usage_error("%s", "probe needs one URL or file");
    }
    struct err err = ERR_NONE;
    if (capture_probe(argv[1], &(struct cfg_list){0}, stdout, &err) != 0) {
        AUTO_STR struct str shown = {0};
        config_mask_url(argv[1], &shown);
        fprintf(stderr, "%s: %s\n", str_text(&shown), err.text);
        return 1;
    }
    return 0;
}

static int version_command(int argc, char **argv)
{
    puts(CORVETTE_VERSION);
    return 0;
}

static int help_command(int argc, char **argv);

static const struct command commands[] = {
    {"run", "[--config FILE] [--data DIR] [--listen HOST:PORT]",
     "record, detect and serve until SIGTERM; SIGHUP restarts with a changed configuration",
     run_command},
    {"check-config", "FILE", "say what is wrong with a configuration", check_config_command},
    {"config-reference", "[--json-schema]", "describe every configuration key",
     config_reference_command},
    {"probe", "URL", "show what a camera or file sends", probe_command},
    {"version", "", "print the version", version_command},
    {"help", "", "print this", help_command},
};

static int help_command(int argc, char **argv)
{
    puts("corvette: network video recorder with local object detection\n");
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        printf("  corvette %s %s\n      %s\n", commands[i].name, commands[i].arguments,
               commands[i].help);
    }
    return 0;
}

/* How the supervisor starts a worker: "corvette: ROLE NAME", see supervisor/child.c. */
static int worker_command(const char *title, const char *name)
{
    static const struct worker_role *const roles[] = {&capture_role, &analyse_role, &detector_role,
                                                      &server_role};
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
        if (str_equal(title, roles[i]->title)) {
            return worker_main(roles[i], name);
        }
    }
    return usage_error("'%s' is not a role", title);
}

int main(int argc, char **argv)
{
    if (argc == 3 && str_equal(argv[0], "corvette:")) {
        return worker_command(argv[1], argv[2]);
    }
    const char *name = argc > 1 ? argv[1] : "help";
    if (str_equal(name, "--help") || str_equal(name, "-h")) {
        name = "help";
    }
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (str_equal(name, commands[i].name)) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return usage_error("'%s' is not a command", name);
}

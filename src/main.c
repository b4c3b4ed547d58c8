/* Command line and role dispatch: each command is a row. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "capture/capture.h"
#include "config/config.h"
#include "config/presets.h"
#include "config/reference.h"
#include "footage/check.h"
#include "footage/reindex.h"
#include "http/openapi.h"
#include "ipc/worker.h"
#include "render/render.h"
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
        .listen_auth = "",
    };
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'},
        {"data", required_argument, NULL, 'd'},
        {"listen", required_argument, NULL, 'l'},
        {"listen-auth", required_argument, NULL, 'a'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "c:d:l:a:", long_options, NULL)) != -1) {
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
        case 'a':
            options.listen_auth = optarg;
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

static int api_reference_command(int argc, char **argv)
{
    AUTO_STR struct str out = {0};
    if (argc == 2 && str_equal(argv[1], "--openapi")) {
        openapi_json(&out);
        str_add_char(&out, '\n');
    } else if (argc == 1) {
        openapi_markdown(&out);
    } else {
        return usage_error("'%s' is not an option of api-reference", argv[1]);
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

/* What the commands that look after a data folder are given. */
struct folder_options {
    const char *data_dir;
    char *database;
    bool prune;
};

/* The database a configuration names, or the default in the data folder; NULL after a complaint. */
static char *find_database(const char *config_path, const char *data_dir)
{
    if (config_path == NULL) {
        return mem_printf("%s/corvette.db", data_dir);
    }
    AUTO_STR struct str text = {0}, report = {0};
    int result = str_read_file(&text, config_path, 16u << 20);
    if (result < 0) {
        fprintf(stderr, "%s: cannot be read: %s\n", config_path, strerror(-result));
        return NULL;
    }
    struct cfg_issues issues = {0};
    struct config *config = config_load(config_path, str_text(&text), text.length, &issues);
    char *database = NULL;
    if (config == NULL) {
        config_issues_format(&issues, config_path, &report);
        fputs(str_text(&report), stderr);
    } else {
        database = config->database.is_default ? mem_printf("%s/corvette.db", data_dir)
                                               : mem_strdup(config->database.path);
    }
    config_issues_finish(&issues);
    config_free(config);
    return database;
}

/* 0, or the exit status. */
static int read_folder_options(int argc, char **argv, struct folder_options *options)
{
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'},
        {"data", required_argument, NULL, 'd'},
        {"prune", no_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    const char *config_path = NULL;
    int option;
    options->data_dir = "data";
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            config_path = optarg;
            break;
        case 'd':
            options->data_dir = optarg;
            break;
        case 'p':
            options->prune = true;
            break;
        default:
            return usage_error("%s", "unknown option");
        }
    }
    if (optind < argc) {
        return usage_error("'%s' is one argument too many", argv[optind]);
    }
    if (access(options->data_dir, R_OK | X_OK) != 0) {
        fprintf(stderr, "corvette: the data folder %s: %s\n", options->data_dir, strerror(errno));
        return 2;
    }
    options->database = find_database(config_path, options->data_dir);
    return options->database != NULL ? 0 : 2;
}

static int check_command(int argc, char **argv)
{
    struct folder_options options = {0};
    int status = read_folder_options(argc, argv, &options);
    if (status != 0) {
        return status;
    }
    AUTO_FREE char *database = options.database;
    struct check_result result;
    struct err err = ERR_NONE;
    int64_t faults = check_run(database, options.data_dir, stdout, &result, &err);
    if (faults < 0) {
        fprintf(stderr, "corvette: %s\n", err.text);
        return 2;
    }
    printf("%llu rows, %llu files: %s", (unsigned long long)result.rows,
           (unsigned long long)result.files, faults == 0 ? "clean" : "");
    for (int kind = 1; kind < CHECK_FAULTS; kind++) {
        if (result.faults[kind] > 0) {
            printf("%llu %s; ", (unsigned long long)result.faults[kind], check_fault_name(kind));
        }
    }
    putchar('\n');
    return faults == 0 ? 0 : 1;
}

/* The lock a running Corvette holds on its data folder; -1 after a complaint. */
static int lock_folder(const char *data_dir)
{
    AUTO_FREE char *path = mem_printf("%s/corvette.lock", data_dir);
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
        fprintf(stderr,
                errno == EWOULDBLOCK
                    ? "corvette: %s is in use by a running Corvette: stop it first\n"
                    : "corvette: %s cannot be locked\n",
                data_dir);
        return -1;
    }
    return steal_fd(&fd);
}

static int reindex_command(int argc, char **argv)
{
    struct folder_options options = {0};
    int status = read_folder_options(argc, argv, &options);
    if (status != 0) {
        return status;
    }
    AUTO_FREE char *database = options.database;
    AUTO_CLOSE int lock = lock_folder(options.data_dir);
    struct reindex_result result;
    struct err err = ERR_NONE;
    if (lock < 0 || reindex_run(database, options.data_dir, options.prune, &result, &err) < 0) {
        if (lock >= 0) {
            fprintf(stderr, "corvette: %s\n", err.text);
        }
        return 2;
    }
    printf("%llu files: %llu rows kept, %llu added, %llu mended, %llu removed; %llu files "
           "unreadable\n",
           (unsigned long long)result.files, (unsigned long long)result.kept,
           (unsigned long long)result.added, (unsigned long long)result.mended,
           (unsigned long long)result.removed, (unsigned long long)result.unreadable);
    if (result.orphaned > 0) {
        printf("%llu rows without a file stay, as their files may lie on another disk: --prune "
               "removes them\n",
               (unsigned long long)result.orphaned);
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
    {"run", "[--config FILE] [--data DIR] [--listen HOST:PORT] [--listen-auth HOST:PORT]",
     "record, detect and serve until SIGTERM; SIGHUP restarts with a changed configuration",
     run_command},
    {"check-config", "FILE", "say what is wrong with a configuration", check_config_command},
    {"config-reference", "[--json-schema]", "describe every configuration key",
     config_reference_command},
    {"api-reference", "[--openapi]", "describe the HTTP API", api_reference_command},
    {"check", "[--data DIR] [--config FILE]",
     "compare rows and files, change nothing: 0 clean, 1 faults, 2 could not look", check_command},
    {"reindex", "[--data DIR] [--config FILE] [--prune]",
     "make the rows of recordings anew from the files", reindex_command},
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
                                                      &sound_role, &server_role};
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
        if (str_equal(title, roles[i]->title)) {
            return worker_main(roles[i], name);
        }
    }
    return usage_error("'%s' is not a role", title);
}

/* Processes that the server starts, do one thing and end: "corvette: NAME". */
static int helper_command(const char *title)
{
    static const struct {
        const char *title;
        int (*run)(void);
    } helpers[] = {{"ffprobe", capture_ffprobe_main}, {"vainfo", capture_vainfo_main}};
    for (size_t i = 0; i < ARRAY_SIZE(helpers); i++) {
        if (str_equal(title, helpers[i].title)) {
            return helpers[i].run();
        }
    }
    return usage_error("'%s' is not a role", title);
}

int main(int argc, char **argv)
{
    if (argc == 2 && str_equal(argv[0], "corvette:")) {
        return helper_command(argv[1]);
    }
    if (argc == 3 && str_equal(argv[0], "corvette:") && str_equal(argv[1], "render")) {
        return render_main(argc, argv);
    }
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

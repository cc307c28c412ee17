/*
 * The process and the threads of the host: signals, cancellation, fork, and limits. Each test that changes its process
 * runs in a process of its own.
 */
#define _GNU_SOURCE
#include "support.h"
#include "tests.h"

#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs the body of a test in a process of its own, which has a minute. */
static void in_own_process(const char *test, int (*body)(void))
{
    if (is_alone()) {
        alarm(60);
        _exit(body());
    }
    run_alone(test);
}

/* Returns the blocked signals of a thread of this process whose name begins with "postbox-", or 0 for another thread. */
static unsigned long long blocked_signals(const char *thread)
{
    char path[300], line[200], name[100] = "";
    unsigned long long blocked = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", thread);
    FILE *status = fopen(path, "r");
    if (!status)
        return 0;
    while (fgets(line, sizeof line, status)) {
        sscanf(line, "Name: %99s", name);
        sscanf(line, "SigBlk: %llx", &blocked);
    }
    fclose(status);
    return strncmp(name, "postbox-", 8) == 0 ? blocked : 0;
}

/* Checks the signal masks of all threads of the library. */
static void check_masks(struct producer *self, const char *id)
{
    int threads = 0;
    DIR *tasks = opendir("/proc/self/task");
    (void)id;
    CHECK(tasks != NULL);
    for (struct dirent *task; tasks && (task = readdir(tasks)) != NULL;) {
        unsigned long long blocked = blocked_signals(task->d_name);
        /* The C library blocks all signals while it starts a thread. */
        for (int i = 0; i < 1000 && blocked & 1ULL << (SIGSEGV - 1); i++) {
            usleep(1000);
            blocked = blocked_signals(task->d_name);
        }
        if (blocked == 0)
            continue;
        threads++;
        CHECK(blocked & 1ULL << (SIGTERM - 1) && blocked & 1ULL << (SIGINT - 1) && blocked & 1ULL << (SIGPIPE - 1));
        CHECK(!(blocked & 1ULL << (SIGSEGV - 1)));
    }
    closedir(tasks);
    CHECK(threads >= 2);
    event_set(self->context);
}

void threads_of_the_library_block_signals(void)
{
    struct event checked = NO_EVENT;
    struct producer producer = {.outcome = POSTBOX_SEND_SENT, .then = check_masks, .context = &checked};
    postbox_client *box = open_eager(&producer, NULL, NULL);
    deposit(box, "swept");
    OK(postbox_start_sweeper(box));
    event_wait(&checked);
    postbox_free(box);
}

/* Deposits messages until the thread is canceled. */
static void *deposit_until_canceled(void *box)
{
    for (int i = 0;; i++) {
        char id[50];
        snprintf(id, sizeof id, "%p-%d", (void *)pthread_self(), i);
        deposit(box, id);
        pthread_testcancel();
    }
    return NULL;
}

static int cancel_threads_in_calls(void)
{
    char directory[] = "/tmp/postbox-cancel-XXXXXX", path[100];
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/db", directory);
    postbox_config *config = memory_config(NULL);
    postbox_client *box = NULL;
    /* SQLite reaches points of cancellation when it writes to a file. */
    OK(postbox_config_set(config, "embedded_path", path));
    OK(postbox_open(config, &box));
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        void *result = NULL;
        CHECK(pthread_create(&thread, NULL, deposit_until_canceled, box) == 0);
        usleep((useconds_t)(500 + i * 137));
        pthread_cancel(thread);
        CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    }
    check_usable(box);
    postbox_free(box);
    postbox_config_free(config);
    return failures;
}

void canceled_thread_ends_after_its_call(void)
{
    in_own_process(__func__, cancel_threads_in_calls);
}

static void use_much_stack(struct producer *self, const char *id)
{
    volatile char room[6 << 20];
    (void)id;
    for (size_t i = 0; i < sizeof room; i += 1024)
        room[i] = 1;
    CHECK(room[sizeof room - 1024] == 1);
    event_set(self->context);
}

static int use_the_stack_of_the_sweeper(void)
{
    struct event called = NO_EVENT;
    struct producer producer = {.outcome = POSTBOX_SEND_SENT, .then = use_much_stack, .context = &called};
    postbox_client *box = open_eager(&producer, NULL, NULL);
    deposit(box, "deep");
    OK(postbox_start_sweeper(box));
    event_wait(&called);
    postbox_free(box);
    return failures;
}

void producer_has_the_stack_of_a_main_thread(void)
{
    in_own_process(__func__, use_the_stack_of_the_sweeper);
}

/* Posts and commits until the client is closed. */
static void *call_until_closed(void *box)
{
    int32_t code = POSTBOX_ERROR_NONE;
    while (code == POSTBOX_ERROR_NONE) {
        postbox_message *message = message_of("t", NULL, "x");
        postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
        postbox_error *error = postbox_unit_of_work_deposit_post(work, message);
        error = error ? error : postbox_unit_of_work_commit(work);
        error = error ? error : postbox_post(box, message, NULL);
        code = postbox_error_code(error);
        postbox_error_free(error);
        postbox_unit_of_work_free(work);
        postbox_message_free(message);
    }
    CHECK(code != POSTBOX_ERROR_INTERNAL);
    return NULL;
}

static int close_during_calls(void)
{
    char text[200] = "";
    FILE *errors = tmpfile();
    int before = dup(STDERR_FILENO);
    CHECK(errors != NULL && before >= 0 && dup2(fileno(errors), STDERR_FILENO) >= 0);
    for (int i = 0; i < 60; i++) {
        struct producer producer = {.outcome = POSTBOX_SEND_SENT};
        pthread_t threads[4];
        postbox_client *box = open_memory(&producer);
        for (size_t t = 0; t < COUNT(threads); t++)
            CHECK(pthread_create(&threads[t], NULL, call_until_closed, box) == 0);
        usleep((useconds_t)(500 + i * 137));
        postbox_error_free(postbox_close_within(box, 0));
        for (size_t t = 0; t < COUNT(threads); t++)
            CHECK(pthread_join(threads[t], NULL) == 0);
        postbox_free(box);
    }
    CHECK(dup2(before, STDERR_FILENO) >= 0);
    rewind(errors);
    CHECK(fgets(text, sizeof text, errors) == NULL);
    EQUAL(text, "");
    fclose(errors);
    return failures;
}

void close_during_calls_prints_nothing(void)
{
    in_own_process(__func__, close_during_calls);
}

static atomic_bool must_stop;

/* Uses the inherited client until it must stop, and opens others. */
static void *call_and_open(void *box)
{
    while (!must_stop) {
        check_usable(box);
        postbox_free(open_memory(NULL));
    }
    return NULL;
}

static int child_of_a_busy_process(postbox_client *inherited)
{
    alarm(60);
    postbox_message *message = message_of("t", NULL, "x");
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_deposit_post(inherited, message));
    postbox_message_free(message);
    postbox_free(inherited);
    postbox_client *own = open_memory(NULL);
    check_usable(own);
    postbox_free(own);
    return failures;
}

static int fork_while_threads_call(void)
{
    postbox_client *box = open_memory(NULL);
    pthread_t threads[3];
    for (size_t i = 0; i < COUNT(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, call_and_open, box) == 0);
    for (int i = 0; i < 60 && failures == 0; i++) {
        int status = -1;
        usleep(2000);
        pid_t child = fork();
        if (child == 0)
            _exit(child_of_a_busy_process(box));
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    must_stop = true;
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    postbox_free(box);
    return failures;
}

void child_of_a_process_that_is_in_calls_can_open_a_client(void)
{
    in_own_process(__func__, fork_while_threads_call);
}

/* A callback that forks during its first message, and returns in the child too. */
struct forking {
    pid_t child;
    int calls;
};

static int32_t fork_in_callback(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    struct forking *self = data;
    (void)message, (void)reason, (void)reason_size;
    if (self->calls++ == 0)
        self->child = fork();
    if (self->child == 0)
        alarm(60);
    return 0;
}

enum forking_call { CLEAR, SWEEP, ARCHIVE };

static postbox_error *call_that_forks(postbox_client *box, struct forking *forking, enum forking_call call)
{
    static const char *const ids[] = {"first", "second"};
    for (size_t i = 0; i < COUNT(ids); i++)
        deposit(box, ids[i]);
    if (call == CLEAR)
        return postbox_clear_outbox(box, ids, COUNT(ids), NULL, NULL);
    if (call == SWEEP)
        return postbox_sweep(box, NULL, NULL, NULL);
    OK(postbox_mark_dispatched(box, ids, COUNT(ids), NULL));
    return postbox_archive(box, fork_in_callback, forking, NULL, NULL);
}

static int fork_in_callbacks(void)
{
    for (enum forking_call call = CLEAR; call <= ARCHIVE; call++) {
        struct forking forking = {-1, 0};
        int status = -1;
        postbox_client *box = NULL;
        postbox_config *config = eager_config(NULL);
        OK(postbox_config_add_producer(config, NULL, fork_in_callback, &forking, NULL));
        OK(postbox_open(config, &box));
        postbox_config_free(config);
        postbox_error *error = call_that_forks(box, &forking, call);
        if (forking.child == 0) {
            /* The parent sends the remaining messages. */
            CHECK(postbox_error_code(error) == POSTBOX_ERROR_FORKED && forking.calls == 1);
            postbox_error_free(error);
            postbox_free(box);
            _exit(failures);
        }
        CHECK(error == NULL && forking.calls == 2);
        CHECK(waitpid(forking.child, &status, 0) == forking.child && status == 0);
        postbox_free(box);
    }
    return failures;
}

void child_that_returns_from_a_callback_gets_an_error(void)
{
    in_own_process(__func__, fork_in_callbacks);
}

/* Returns the size of the address space of this process, in bytes. */
static rlim_t used_memory(void)
{
    unsigned long pages = 0;
    FILE *sizes = fopen("/proc/self/statm", "r");
    CHECK(sizes && fscanf(sizes, "%lu", &pages) == 1);
    fclose(sizes);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int open_without_memory_for_a_thread(void)
{
    struct rlimit limit, before;
    postbox_config *config = memory_config(NULL);
    postbox_client *box = NULL;
    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    limit = before;
    /* Enough for small allocations, and not for the stack of a thread. */
    limit.rlim_cur = used_memory() + (4 << 20);
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    postbox_error *error = postbox_open(config, &box);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(postbox_error_code(error) == POSTBOX_ERROR_NO_RESOURCES && postbox_error_is_retryable(error));
    CHECK(strstr(postbox_error_message(error), "postbox-runtime") != NULL);
    postbox_error_free(error);
    OK(postbox_open(config, &box));
    check_usable(box);
    postbox_free(box);
    postbox_config_free(config);
    return failures;
}

static void check_open_after_closing(postbox_config *config)
{
    postbox_client *box = NULL;
    postbox_error *error = postbox_open(config, &box);
    CHECK(postbox_error_code(error) == POSTBOX_ERROR_NO_RESOURCES && !postbox_error_is_retryable(error));
    CHECK(strstr(postbox_error_message(error), "closed file descriptors of Postbox") != NULL);
    postbox_error_free(error);
}

static int open_after_closing_descriptors(void)
{
    postbox_config *config = memory_config(NULL);
    postbox_client *box = open_memory(NULL);
    postbox_free(box);
    for (int descriptor = 3; descriptor < 100; descriptor++)
        close(descriptor);
    check_open_after_closing(config);
    /* Files of the program get the numbers of the descriptors that were closed. Nothing is read from them. */
    int streams[48][2];
    for (size_t i = 0; i < COUNT(streams); i++)
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, streams[i]) == 0 && write(streams[i][0], "1", 1) == 1 &&
              write(streams[i][1], "2", 1) == 1);
    check_open_after_closing(config);
    for (size_t i = 0; i < COUNT(streams); i++) {
        char found[2] = "";
        CHECK(recv(streams[i][0], found, 1, MSG_DONTWAIT) == 1 && found[0] == '2');
        CHECK(recv(streams[i][1], found, 1, MSG_DONTWAIT) == 1 && found[0] == '1');
    }
    postbox_config_free(config);
    return failures;
}

void closed_descriptors_of_the_library_are_an_error(void)
{
    in_own_process(__func__, open_after_closing_descriptors);
}

void thread_that_cannot_be_started_is_a_retryable_error(void)
{
    in_own_process(__func__, open_without_memory_for_a_thread);
}

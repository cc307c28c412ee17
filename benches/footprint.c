/*
 * Measures the cost of the library for a host: the time from the start of the process to the first commit, on the embedded
 * database in memory, and the resident memory of the idle host after that.
 *
 * The program starts itself 21 times, and prints the medians.
 */
#include "postbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 21 };

static const char CREATE_PEOPLE[] =
    "{\"TableName\":\"People\",\"BillingMode\":\"PAY_PER_REQUEST\","
    "\"AttributeDefinitions\":[{\"AttributeName\":\"Name\",\"AttributeType\":\"S\"}],"
    "\"KeySchema\":[{\"AttributeName\":\"Name\",\"KeyType\":\"HASH\"}]}";

static void must(postbox_error *error)
{
    if (error) {
        fprintf(stderr, "%s\n", postbox_error_message(error));
        exit(1);
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double resident_megabytes(void)
{
    char line[256];
    long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmRSS: %ld kB", &kilobytes) == 1)
            break;
    if (status)
        fclose(status);
    return (double)kilobytes / 1024;
}

/* Opens, commits once, and writes the time of the commit and the resident memory. */
static void host(void)
{
    postbox_config *config = postbox_config_new();
    postbox_client *box = NULL;
    postbox_message *message = NULL;
    char *answer = NULL;
    must(postbox_config_set(config, "embedded_path", ":memory:"));
    must(postbox_open(config, &box));
    must(postbox_embedded_execute(box, "CreateTable", CREATE_PEOPLE, &answer));
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    must(postbox_unit_of_work_put(work, "People", "{\"Name\":{\"S\":\"Ada\"}}"));
    must(postbox_message_new("greeting.made", (const uint8_t *)"x", 1, &message));
    must(postbox_unit_of_work_deposit_post(work, message));
    must(postbox_unit_of_work_commit(work));
    double committed = now();
    printf("%f %f\n", committed, resident_megabytes());
}

static int compare(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

int main(int count, char **arguments)
{
    double times[ROUNDS], memory[ROUNDS];
    char command[4096];
    if (count > 1) {
        host();
        return 0;
    }
    snprintf(command, sizeof command, "exec '%s' host", arguments[0]);
    for (int i = 0; i < ROUNDS; i++) {
        double committed = 0, began = now();
        FILE *child = popen(command, "r");
        if (!child || fscanf(child, "%lf %lf", &committed, &memory[i]) != 2 || pclose(child) != 0)
            return 1;
        times[i] = committed - began;
    }
    qsort(times, ROUNDS, sizeof *times, compare);
    qsort(memory, ROUNDS, sizeof *memory, compare);
    printf("| start of the process to the first commit (goal: under 30 ms) | %.1f ms |\n", times[ROUNDS / 2]);
    printf("| resident memory of an idle C host (goal: under 12 MB) | %.1f MB |\n", memory[ROUNDS / 2]);
    return 0;
}

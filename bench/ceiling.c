/* The least that running a task and keeping its output can cost on this machine:
 * posix_spawn with stdout and stderr to a memfd each, wait, read the sizes.
 *
 *   ceiling TASKS IN_FLIGHT COMMAND [ARGUMENT...]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static atomic_long left;
static char **command;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void run_one(void) {
    int out[2];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int stream = 0; stream < 2; stream++) {
        out[stream] = memfd_create("output", MFD_CLOEXEC);
        if (out[stream] < 0) fail("memfd_create");
        posix_spawn_file_actions_adddup2(&actions, out[stream], stream + 1);
    }
    pid_t pid;
    if (posix_spawn(&pid, command[0], &actions, NULL, command, environ) != 0) fail("posix_spawn");
    int status;
    if (waitpid(pid, &status, 0) != pid) fail("waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail("the command failed");
    for (int stream = 0; stream < 2; stream++) {
        struct stat written;
        fstat(out[stream], &written);
        close(out[stream]);
    }
    posix_spawn_file_actions_destroy(&actions);
}

static void *run(void *unused) {
    while (atomic_fetch_sub(&left, 1) > 0) run_one();
    return unused;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: ceiling TASKS IN_FLIGHT COMMAND [ARGUMENT...]\n");
        return 2;
    }
    atomic_store(&left, atol(argv[1]));
    int in_flight = atoi(argv[2]);
    command = argv + 3;
    pthread_t *threads = calloc(in_flight, sizeof *threads);
    for (int i = 0; i < in_flight; i++)
        if (pthread_create(&threads[i], NULL, run, NULL) != 0) fail("pthread_create");
    for (int i = 0; i < in_flight; i++) pthread_join(threads[i], NULL);
    return 0;
}

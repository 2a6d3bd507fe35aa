/* What holds the namespaces of a pod. It is the first process there: it reaps, and ends when asked to. */
#include <signal.h>
#include <unistd.h>

static void end(int number) { (void)number; _exit(0); }

int main(void)
{
    signal(SIGCHLD, SIG_IGN);
    signal(SIGINT, end);
    signal(SIGTERM, end);
    for (;;)
        pause();
}

// A plugin of QEMU that counts the instructions a program executes, of all its threads: between two looks at its own
// processor time, or in its whole life.
//
// Whenever the program calls clock_gettime(CLOCK_PROCESS_CPUTIME_ID), as Python's time.process_time() does, the number of
// instructions since the first such call is printed, on a line of its own. Until that first call nothing is counted, and
// the program runs at full speed.
//
// With from=start everything is counted, from the program's first instruction, its dynamic linker's, and the number is
// printed once, when it ends: for a program that does not look at that clock.
//
//   cc -shared -fPIC -O2 -o instructions.so instructions.c
//   qemu-aarch64 -plugin instructions.so -d plugin -D counts PROGRAM
//   qemu-aarch64 -plugin instructions.so,from=start -d plugin -D counts PROGRAM
//
// QEMU's header is in no package, so what is used of it is declared here, from include/qemu/qemu-plugin.h of QEMU 7.2.

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

typedef void (*simple_cb)(qemu_plugin_id_t);
typedef void (*exit_cb)(qemu_plugin_id_t, void *);
typedef void (*translated_cb)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*executed_cb)(unsigned int vcpu, void *instructions);
typedef void (*syscall_cb)(qemu_plugin_id_t, unsigned int vcpu, int64_t number, uint64_t, uint64_t, uint64_t, uint64_t,
                           uint64_t, uint64_t, uint64_t, uint64_t);

void qemu_plugin_reset(qemu_plugin_id_t, simple_cb);
void qemu_plugin_outs(const char *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, exit_cb, void *);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, syscall_cb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translated_cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, executed_cb, enum qemu_plugin_cb_flags, void *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

#define THREADS 256
#define CLOCK_GETTIME 113             // aarch64's number
#define PROCESS_CPUTIME 2

static uint64_t executed[THREADS];    // by thread, each written by its own alone
static bool counting;

static void on_block(unsigned int vcpu, void *instructions)
{
    executed[vcpu % THREADS] += (uintptr_t)instructions;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, QEMU_PLUGIN_CB_NO_REGS,
                                         (void *)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

static void print_count(void)
{
    uint64_t sum = 0;
    for (int thread = 0; thread < THREADS; thread++)
        sum += executed[thread];
    char line[32];
    snprintf(line, sizeof line, "%" PRIu64 "\n", sum);
    qemu_plugin_outs(line);
}

static void on_end(qemu_plugin_id_t id, void *data)
{
    (void)id, (void)data;
    print_count();
}

static void on_syscall(qemu_plugin_id_t, unsigned int, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                       uint64_t, uint64_t, uint64_t);

static void count_from_now(qemu_plugin_id_t id)
{
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
}

static void on_syscall(qemu_plugin_id_t id, unsigned int vcpu, int64_t number, uint64_t clock, uint64_t a2, uint64_t a3,
                       uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)vcpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number != CLOCK_GETTIME || clock != PROCESS_CPUTIME)
        return;
    print_count();
    if (!counting) {
        counting = true;
        qemu_plugin_reset(id, count_from_now);    // translates everything anew, with the counter in it
    }
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
                                                               int argc, char **argv)
{
    (void)info;
    if (argc == 0) {
        qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
    } else if (argc == 1 && strcmp(argv[0], "from=start") == 0) {
        qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
        qemu_plugin_register_atexit_cb(id, on_end, NULL);
    } else {
        fprintf(stderr, "instructions: unknown argument, only from=start is known\n");
        return 1;
    }
    return 0;
}

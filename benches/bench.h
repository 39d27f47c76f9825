/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the programs in C share: the end when something fails, and a row of the table.
 * BENCH is the program's name.
 */

#ifndef BENCH_H
#define BENCH_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <vkvm.h>

static inline void die(const char *what, const char *why)
{
    fprintf(stderr, BENCH ": %s: %s\n", what, why);
    exit(1);
}

static inline void check(const char *what, int result, vkvm_error *error)
{
    if (result < 0)
        die(what, vkvm_error_message(error));
}

static inline void vir_check(const char *what, int good)
{
    if (!good)
        die(what, virGetLastErrorMessage());
}

#define CALL(function, ...)                                                  \
    do {                                                                     \
        vkvm_error *error = NULL;                                            \
        check(#function, function(__VA_ARGS__, &error), error);              \
    } while (0)

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *numbers, int count)
{
    qsort(numbers, (size_t)count, sizeof *numbers, by_size);
    return (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
}

/* A row of so many rounds, each of `batch` calls, which took so many seconds. */
struct times {
    int rounds;
    long batch;
    double *ours, *theirs, *ratio;
};

static inline void print_row(const char *call, const char *peers, const char *transport,
                             const struct times *of, double aim)
{
    double middle = median(of->ratio, of->rounds), per_call = 1e9 / (double)of->batch;
    printf("%s\t%s\t%s\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f\t%ld\t", call, peers, transport, of->ratio[0],
           middle, of->ratio[of->rounds - 1], median(of->ours, of->rounds) * per_call,
           median(of->theirs, of->rounds) * per_call, of->batch);
    printf(aim > 0 ? "%.2f\n" : "-\n", aim);
    fflush(stdout);
}

#endif

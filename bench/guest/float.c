/*
 * Floating point. Only operations that IEEE 754 rounds exactly, and no contraction into fused ones (the build
 * forbids it), so that every architecture comes to the same bits.
 */
#include "bench.h"

#include <math.h>
#include <string.h>

enum { BODIES = 5 };

struct body {
    double position[3];
    double velocity[3];
    double mass;
};

#define SOLAR_MASS (4 * 3.141592653589793 * 3.141592653589793)
#define YEAR       365.24

/* The Sun and the outer planets, in astronomical units, days and solar masses. */
static const struct body solar_system[BODIES] = {
    {.mass = 1},
    {{4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01},
     {1.66007664274403694e-03, 7.69901118419740425e-03, -6.90460016972063023e-05},
     9.54791938424326609e-04},
    {{8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01},
     {-2.76742510726411600e-03, 4.99852801234917238e-03, 2.30417297573763929e-05},
     2.85885980666130812e-04},
    {{1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01},
     {2.96460137564761618e-03, 2.37847173959480950e-03, -2.96589568540237556e-05},
     4.36624404335156298e-05},
    {{1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01},
     {2.68067772490389322e-03, 1.62824170038242295e-03, -9.51592254519715870e-05},
     5.15138902046611451e-05},
};

/* Velocities per year, masses so that gravity's constant is 1, and the Sun moving against the planets'
 * momentum. */
static void nbody_start(struct body bodies[BODIES])
{
    memcpy(bodies, solar_system, sizeof(solar_system));
    for (int i = 0; i < BODIES; i++)
        bodies[i].mass *= SOLAR_MASS;
    for (int axis = 0; axis < 3; axis++) {
        double momentum = 0;
        for (int i = 1; i < BODIES; i++) {
            bodies[i].velocity[axis] *= YEAR;
            momentum += bodies[i].velocity[axis] * bodies[i].mass;
        }
        bodies[0].velocity[axis] = -momentum / SOLAR_MASS;
    }
}

static double square_distance(const struct body *a, const struct body *b, double delta[3])
{
    double square = 0;

    for (int axis = 0; axis < 3; axis++) {
        delta[axis] = a->position[axis] - b->position[axis];
        square += delta[axis] * delta[axis];
    }
    return square;
}

static void nbody_advance(struct body bodies[BODIES], double step)
{
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            double delta[3];
            double square = square_distance(&bodies[i], &bodies[j], delta);
            double magnitude = step / (square * sqrt(square));
            for (int axis = 0; axis < 3; axis++) {
                bodies[i].velocity[axis] -= delta[axis] * bodies[j].mass * magnitude;
                bodies[j].velocity[axis] += delta[axis] * bodies[i].mass * magnitude;
            }
        }
    for (int i = 0; i < BODIES; i++)
        for (int axis = 0; axis < 3; axis++)
            bodies[i].position[axis] += step * bodies[i].velocity[axis];
}

static double nbody_energy(const struct body bodies[BODIES])
{
    double energy = 0;

    for (int i = 0; i < BODIES; i++) {
        const double *v = bodies[i].velocity;
        energy += 0.5 * bodies[i].mass * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
        for (int j = i + 1; j < BODIES; j++) {
            double delta[3];
            energy -= bodies[i].mass * bodies[j].mass / sqrt(square_distance(&bodies[i], &bodies[j], delta));
        }
    }
    return energy;
}

/* A round is a step of a hundredth of a year; the bits of the system's energy come back. */
uint64_t bench_nbody(uint64_t rounds)
{
    struct body bodies[BODIES];
    uint64_t bits;

    nbody_start(bodies);
    for (uint64_t round = 0; round < rounds; round++)
        nbody_advance(bodies, 0.01);
    double energy = nbody_energy(bodies);
    memcpy(&bits, &energy, sizeof(bits));
    return bits;
}

enum { MANDELBROT_WIDTH = 256, MANDELBROT_LIMIT = 64 };

static unsigned escape_time(double real, double imaginary)
{
    double x = 0, y = 0;
    unsigned count = 0;

    while (count < MANDELBROT_LIMIT && x * x + y * y <= 4) {
        double next = x * x - y * y + real;
        y = 2 * x * y + imaginary;
        x = next;
        count++;
    }
    return count;
}

/* A round is a row of the picture of [-2, 0.5) x [-1.25, 1.25), which has as many rows as rounds. */
uint64_t bench_mandelbrot(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t row = 0; row < rounds; row++) {
        double imaginary = 2.5 * (double)row / (double)rounds - 1.25;
        for (int column = 0; column < MANDELBROT_WIDTH; column++)
            sum = fold(sum, escape_time(2.5 * column / MANDELBROT_WIDTH - 2.0, imaginary));
    }
    return sum;
}

enum { MATRIX_SIZE = 64 };

static float random_float(uint64_t *state)
{
    return (float)(next_random(state) >> 8) / 0x1000000;
}

/*
 * A round is C = A B in single precision. Half of C and half of something new make the next A, so that the
 * rounds depend on each other; B's rows add up to about 1, so the numbers neither grow nor die.
 */
uint64_t bench_matrix(uint64_t rounds)
{
    static float a[MATRIX_SIZE][MATRIX_SIZE], b[MATRIX_SIZE][MATRIX_SIZE], c[MATRIX_SIZE][MATRIX_SIZE];
    uint64_t state = 1, sum = 0;

    for (int i = 0; i < MATRIX_SIZE; i++)
        for (int j = 0; j < MATRIX_SIZE; j++)
            b[i][j] = random_float(&state) / 32;
    for (uint64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < MATRIX_SIZE; i++)
            for (int j = 0; j < MATRIX_SIZE; j++)
                a[i][j] = 0.5F * c[i][j] + 0.5F * random_float(&state);
        memset(c, 0, sizeof(c));
        for (int i = 0; i < MATRIX_SIZE; i++)
            for (int k = 0; k < MATRIX_SIZE; k++)
                for (int j = 0; j < MATRIX_SIZE; j++)
                    c[i][j] += a[i][k] * b[k][j];
    }
    for (int i = 0; i < MATRIX_SIZE; i++)
        for (int j = 0; j < MATRIX_SIZE; j++) {
            uint32_t bits;
            memcpy(&bits, &c[i][j], sizeof(bits));
            sum = fold(sum, bits);
        }
    return sum;
}

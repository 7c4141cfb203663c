/* A stand-in for NVIDIA's driver (libcuda.so) on machines without a GPU. It claims one GPU, has memory (the machine's own) and
   copies it, takes modules and hands out functions, and computes nothing: launched kernels leave their outputs as they were, zeros
   at first. What runs for real on top of it is everything else: the program, burn, CubeCL, and NVRTC, which compiles every
   kernel as it would for the GPU. The PTX of each module is left in $STAND_IN_PTX, for ptxas to look at.
   Built and used by scripts/check-cuda-kernels. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int status;
enum { OK = 0, OUT_OF_MEMORY = 2, NOT_FOUND = 500 };

status cuInit(unsigned flags) { (void)flags; return OK; }
status cuDriverGetVersion(int *version) { *version = 12090; return OK; }
status cuGetErrorName(status error, const char **text) { (void)error; *text = "STAND_IN"; return OK; }
status cuGetErrorString(status error, const char **text) { (void)error; *text = "said by the stand-in driver"; return OK; }
status cuDeviceGetCount(int *count) { *count = 1; return OK; }
status cuDeviceGet(int *device, int ordinal) { *device = ordinal; return OK; }
status cuDeviceGetName(char *name, int size, int device) {
    (void)device;
    snprintf(name, (size_t)size, "NVIDIA H100 (stand-in)");
    return OK;
}
status cuDeviceGetUuid_v2(char *uuid, int device) { (void)device; memset(uuid, 1, 16); return OK; }
status cuDeviceTotalMem_v2(size_t *bytes, int device) { (void)device; *bytes = (size_t)80 << 30; return OK; }
status cuDeviceGetPCIBusId(char *id, int size, int device) {
    (void)device;
    snprintf(id, (size_t)size, "0000:01:00.0");
    return OK;
}
/* The attributes that are asked for, with an H100's answers. */
status cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    switch (attribute) {
    case 1: *value = 1024; break;              /* threads per block */
    case 2: case 3: *value = 1024; break;      /* block x, y */
    case 4: *value = 64; break;                /* block z */
    case 5: *value = 2147483647; break;        /* grid x */
    case 6: case 7: *value = 65535; break;     /* grid y, z */
    case 8: *value = 49152; break;             /* shared memory per block */
    case 10: *value = 32; break;               /* warp */
    case 12: *value = 65536; break;            /* registers per block */
    case 16: *value = 132; break;              /* multiprocessors */
    case 75: *value = 9; break;                /* compute capability */
    case 76: *value = 0; break;
    case 81: *value = 233472; break;           /* shared memory per multiprocessor */
    case 97: *value = 232448; break;           /* shared memory per block, opted in */
    case 115: *value = 1; break;               /* memory pools */
    default: *value = 1; break;
    }
    return OK;
}

status cuDevicePrimaryCtxRetain(void **context, int device) { (void)device; *context = (void *)1; return OK; }
status cuDevicePrimaryCtxRelease_v2(int device) { (void)device; return OK; }
status cuCtxSetCurrent(void *context) { (void)context; return OK; }
status cuCtxGetCurrent(void **context) { *context = (void *)1; return OK; }
status cuCtxSynchronize(void) { return OK; }
status cuCtxGetStreamPriorityRange(int *least, int *greatest) { *least = 0; *greatest = 0; return OK; }

status cuStreamCreate(void **stream, unsigned flags) { (void)flags; *stream = malloc(1); return OK; }
status cuStreamCreateWithPriority(void **stream, unsigned flags, int priority) { (void)priority; return cuStreamCreate(stream, flags); }
status cuStreamDestroy_v2(void *stream) { free(stream); return OK; }
status cuStreamSynchronize(void *stream) { (void)stream; return OK; }
status cuStreamQuery(void *stream) { (void)stream; return OK; }
status cuStreamWaitEvent(void *stream, void *event, unsigned flags) { (void)stream; (void)event; (void)flags; return OK; }
status cuEventCreate(void **event, unsigned flags) { (void)flags; *event = malloc(1); return OK; }
status cuEventDestroy_v2(void *event) { free(event); return OK; }
status cuEventRecord(void *event, void *stream) { (void)event; (void)stream; return OK; }
status cuEventSynchronize(void *event) { (void)event; return OK; }
status cuEventQuery(void *event) { (void)event; return OK; }
status cuEventElapsedTime(float *ms, void *a, void *b) { (void)a; (void)b; *ms = 1; return OK; }
status cuEventElapsedTime_v2(float *ms, void *a, void *b) { return cuEventElapsedTime(ms, a, b); }

status cuMemAlloc_v2(void **address, size_t bytes) {
    *address = calloc(1, bytes ? bytes : 1);
    return *address ? OK : OUT_OF_MEMORY;
}
status cuMemAllocAsync(void **address, size_t bytes, void *stream) { (void)stream; return cuMemAlloc_v2(address, bytes); }
status cuMemFree_v2(void *address) { free(address); return OK; }
status cuMemFreeAsync(void *address, void *stream) { (void)stream; return cuMemFree_v2(address); }
status cuMemAllocHost_v2(void **address, size_t bytes) { return cuMemAlloc_v2(address, bytes); }
status cuMemHostAlloc(void **address, size_t bytes, unsigned flags) { (void)flags; return cuMemAlloc_v2(address, bytes); }
status cuMemFreeHost(void *address) { free(address); return OK; }
status cuMemGetInfo_v2(size_t *left, size_t *total) { *left = *total = (size_t)80 << 30; return OK; }
status cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t bytes, void *stream) { (void)stream; memcpy(to, from, bytes); return OK; }
status cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t bytes, void *stream) { (void)stream; memcpy(to, from, bytes); return OK; }
status cuMemcpyDtoDAsync_v2(void *to, const void *from, size_t bytes, void *stream) { (void)stream; memmove(to, from, bytes); return OK; }
status cuMemcpyHtoD_v2(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); return OK; }
status cuMemcpyDtoH_v2(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); return OK; }
status cuMemsetD8Async(void *to, unsigned char value, size_t bytes, void *stream) { (void)stream; memset(to, value, bytes); return OK; }

/* CUDA_MEMCPY2D: offsets and pitches in bytes. Host and device are the same memory here. */
struct copy {
    size_t from_x, from_y; int from_type; const char *from_host; char *from_device; void *from_array; size_t from_pitch;
    size_t to_x, to_y; int to_type; char *to_host; char *to_device; void *to_array; size_t to_pitch;
    size_t width, height;
};
status cuMemcpy2DAsync_v2(const struct copy *c, void *stream) {
    (void)stream;
    const char *from = c->from_type == 1 ? c->from_host : c->from_device;
    char *to = c->to_type == 1 ? c->to_host : c->to_device;
    for (size_t row = 0; row < c->height; row++)
        memmove(to + (c->to_y + row) * c->to_pitch + c->to_x, from + (c->from_y + row) * c->from_pitch + c->from_x, c->width);
    return OK;
}

/* A module is the text of its PTX. */
status cuModuleLoadData(void **module, const void *image) {
    static int count = 0;
    const char *folder = getenv("STAND_IN_PTX");
    *module = malloc(1);
    if (folder) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%04d.ptx", folder, __atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST));
        FILE *file = fopen(path, "w");
        if (!file || fputs(image, file) < 0 || fclose(file)) {
            fprintf(stderr, "stand-in driver: cannot write %s\n", path);
            return NOT_FOUND;
        }
    }
    return OK;
}
status cuModuleLoadDataEx(void **module, const void *image, unsigned n, void *options, void *values) {
    (void)n; (void)options; (void)values;
    return cuModuleLoadData(module, image);
}
status cuModuleUnload(void *module) { free(module); return OK; }
status cuModuleGetFunction(void **function, void *module, const char *name) { (void)name; *function = module; return OK; }
status cuFuncSetAttribute(void *function, int attribute, int value) { (void)function; (void)attribute; (void)value; return OK; }
status cuFuncGetAttribute(int *value, int attribute, void *function) { (void)attribute; (void)function; *value = 0; return OK; }
status cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                      void *stream, void **arguments, void **extra) {
    (void)function; (void)gx; (void)gy; (void)gz; (void)bx; (void)by; (void)bz; (void)shared; (void)stream; (void)arguments;
    (void)extra;
    return OK;
}

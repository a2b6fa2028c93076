.org 4096
.option norvc
addi a0,sp,1020

.org 8192
.option norvc
addi s0,sp,4

.org 12288
.option norvc
fld fa0,248(a1)

.org 16384
.option norvc
lw a4,124(s1)

.org 20480
.option norvc
lw a0,64(a1)

.org 24576
.option norvc
ld a5,248(a0)

.org 28672
.option norvc
ld a5,64(a0)

.org 32768
.option norvc
fsd fs0,8(a2)

.org 36864
.option norvc
sw a2,4(a3)

.org 40960
.option norvc
sd a1,192(s0)

.org 45056
.option norvc
addi zero,zero,0

.org 49152
.option norvc
addi t6,t6,-32

.org 53248
.option norvc
addiw a7,a7,31

.org 57344
.option norvc
addi s11,zero,-1

.org 61440
.option norvc
addi sp,sp,-512

.org 65536
.option norvc
addi sp,sp,496

.org 69632
.option norvc
lui t0,0xfffe1

.org 73728
.option norvc
lui ra,1

.org 77824
.option norvc
srli a0,a0,63

.org 81920
.option norvc
srai a1,a1,33

.org 86016
.option norvc
andi s1,s1,-7

.org 90112
.option norvc
sub a0,a0,a1

.org 94208
.option norvc
xor a2,a2,s0

.org 98304
.option norvc
or a3,a3,s1

.org 102400
.option norvc
and a4,a4,a5

.org 106496
.option norvc
subw a0,a0,a5

.org 110592
.option norvc
addw s0,s0,a3

.org 114688
.option norvc
jal zero,.-2048

.org 118784
.option norvc
jal zero,.+2046

.org 122880
.option norvc
jal zero,.+0x156

.org 126976
.option norvc
beq a0,zero,.-256

.org 131072
.option norvc
bne s1,zero,.+254

.org 135168
.option norvc
bne a5,zero,.+0x5a

.org 139264
.option norvc
slli a6,a6,63

.org 143360
.option norvc
fld ft11,504(sp)

.org 147456
.option norvc
lw s10,252(sp)

.org 151552
.option norvc
lw t1,36(sp)

.org 155648
.option norvc
ld ra,504(sp)

.org 159744
.option norvc
jalr zero,0(t1)

.org 163840
.option norvc
add a0,zero,t6

.org 167936
.option norvc
ebreak

.org 172032
.option norvc
jalr ra,0(s2)

.org 176128
.option norvc
add gp,gp,tp

.org 180224
.option norvc
fsd fa7,8(sp)

.org 184320
.option norvc
sw zero,252(sp)

.org 188416
.option norvc
sd t5,456(sp)

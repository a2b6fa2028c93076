.org 4096
.option rvc
c.addi4spn a0,sp,1020

.org 8192
.option rvc
c.addi4spn s0,sp,4

.org 12288
.option rvc
c.fld fa0,248(a1)

.org 16384
.option rvc
c.lw a4,124(s1)

.org 20480
.option rvc
c.lw a0,64(a1)

.org 24576
.option rvc
c.ld a5,248(a0)

.org 28672
.option rvc
c.ld a5,64(a0)

.org 32768
.option rvc
c.fsd fs0,8(a2)

.org 36864
.option rvc
c.sw a2,4(a3)

.org 40960
.option rvc
c.sd a1,192(s0)

.org 45056
.option rvc
c.nop

.org 49152
.option rvc
c.addi t6,-32

.org 53248
.option rvc
c.addiw a7,31

.org 57344
.option rvc
c.li s11,-1

.org 61440
.option rvc
c.addi16sp sp,-512

.org 65536
.option rvc
c.addi16sp sp,496

.org 69632
.option rvc
c.lui t0,0xfffe1

.org 73728
.option rvc
c.lui ra,1

.org 77824
.option rvc
c.srli a0,63

.org 81920
.option rvc
c.srai a1,33

.org 86016
.option rvc
c.andi s1,-7

.org 90112
.option rvc
c.sub a0,a1

.org 94208
.option rvc
c.xor a2,s0

.org 98304
.option rvc
c.or a3,s1

.org 102400
.option rvc
c.and a4,a5

.org 106496
.option rvc
c.subw a0,a5

.org 110592
.option rvc
c.addw s0,a3

.org 114688
.option rvc
c.j .-2048

.org 118784
.option rvc
c.j .+2046

.org 122880
.option rvc
c.j .+0x156

.org 126976
.option rvc
c.beqz a0,.-256

.org 131072
.option rvc
c.bnez s1,.+254

.org 135168
.option rvc
c.bnez a5,.+0x5a

.org 139264
.option rvc
c.slli a6,63

.org 143360
.option rvc
c.fldsp ft11,504(sp)

.org 147456
.option rvc
c.lwsp s10,252(sp)

.org 151552
.option rvc
c.lwsp t1,36(sp)

.org 155648
.option rvc
c.ldsp ra,504(sp)

.org 159744
.option rvc
c.jr t1

.org 163840
.option rvc
c.mv a0,t6

.org 167936
.option rvc
c.ebreak

.org 172032
.option rvc
c.jalr s2

.org 176128
.option rvc
c.add gp,tp

.org 180224
.option rvc
c.fsdsp fa7,8(sp)

.org 184320
.option rvc
c.swsp zero,252(sp)

.org 188416
.option rvc
c.sdsp t5,456(sp)

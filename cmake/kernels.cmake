# src/nn/simd, once per instruction set; dispatch.c chooses when the program starts. Optimised in
# every preset, and a * b + c is one rounding wherever the machine has it: at -O1 the full-size
# golden cases would not fit into a test run.
file(GLOB simd CONFIGURE_DEPENDS src/nn/simd/*.c)
function(tb_kernels isa width)
  add_library(tb-kernels-${isa} OBJECT ${simd})
  target_include_directories(tb-kernels-${isa} PRIVATE src)
  target_link_libraries(tb-kernels-${isa} PRIVATE tb-flags)
  target_compile_definitions(tb-kernels-${isa} PRIVATE TB_ISA=${isa} TB_VW=${width})
  target_compile_options(tb-kernels-${isa} PRIVATE -O3 -ffp-contract=fast ${ARGN})
  target_sources(tb-nn PRIVATE $<TARGET_OBJECTS:tb-kernels-${isa}>)
endfunction()

tb_kernels(generic 4)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  target_compile_definitions(tb-nn PRIVATE TB_HAVE_X86_KERNELS=1)
  tb_kernels(avx2 8 -mavx2 -mfma -mf16c)
  set(avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mf16c)
  tb_kernels(avx512 16 ${avx512})
  tb_kernels(avx512vnni 16 ${avx512} -mavx512vnni)
  tb_kernels(avx512bf16 16 ${avx512} -mavx512vnni -mavx512bf16)
  target_compile_definitions(tb-kernels-avx512vnni PRIVATE TB_ISA_VNNI=1)
  target_compile_definitions(tb-kernels-avx512bf16 PRIVATE TB_ISA_VNNI=1 TB_ISA_BF16=1)
  foreach(isa generic avx2 avx512 avx512vnni avx512bf16)
    target_compile_definitions(tb-kernels-${isa} PRIVATE TB_HAVE_X86_KERNELS=1)
  endforeach()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$") # Linux, macOS
  target_compile_definitions(tb-nn PRIVATE TB_HAVE_NEON_KERNELS=1)
  # gcc 12 would give up on the large tiles' loops, and then move so many loads ahead that sums
  # lose their registers.
  set(tiles $<$<C_COMPILER_ID:GNU>:--param=max-completely-peeled-insns=300;-fno-schedule-insns>)
  tb_kernels(neon 4 ${tiles})
  tb_kernels(neondot 4 ${tiles} -march=armv8.2-a+dotprod)
  tb_kernels(neonbf16 4 ${tiles} -march=armv8.2-a+dotprod+bf16)
  target_compile_definitions(tb-kernels-neonbf16 PRIVATE TB_ISA_BF16=1)
  foreach(isa neon neondot neonbf16)
    target_compile_definitions(tb-kernels-${isa} PRIVATE TB_HAVE_NEON_KERNELS=1 TB_ISA_NEON=1)
  endforeach()
endif()

;; What is done to every byte that is read, 64 bytes at a time: XOR with a masking-key, RFC 6455 §5.3, and a look
;; whether text is ASCII and so valid UTF-8, §8.1.
;; `node bench/assemble.mjs` makes mask-kernel.ts of this.
(module
  ;; Never grown: views of it stay valid.
  (memory (export "memory") 2 2)

  ;; key: the four octets of the masking-key, the one for the octet at `at` lowest
  (func (export "mask") (param $at i32) (param $end i32) (param $key i32)
    (local $keys v128)
    (local $last i32)
    (local.set $keys (i32x4.splat (local.get $key)))

    (local.set $last (i32.sub (local.get $end) (i32.const 63)))
    (block $done64
      (loop $next64
        (br_if $done64 (i32.ge_s (local.get $at) (local.get $last)))
        (v128.store offset=0 (local.get $at)
          (v128.xor (v128.load offset=0 (local.get $at)) (local.get $keys)))
        (v128.store offset=16 (local.get $at)
          (v128.xor (v128.load offset=16 (local.get $at)) (local.get $keys)))
        (v128.store offset=32 (local.get $at)
          (v128.xor (v128.load offset=32 (local.get $at)) (local.get $keys)))
        (v128.store offset=48 (local.get $at)
          (v128.xor (v128.load offset=48 (local.get $at)) (local.get $keys)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $next64)))

    (local.set $last (i32.sub (local.get $end) (i32.const 15)))
    (block $done16
      (loop $next16
        (br_if $done16 (i32.ge_s (local.get $at) (local.get $last)))
        (v128.store (local.get $at) (v128.xor (v128.load (local.get $at)) (local.get $keys)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next16)))

    (block $done4
      (loop $next4
        (br_if $done4 (i32.ge_s (local.get $at) (i32.sub (local.get $end) (i32.const 3))))
        (i32.store (local.get $at) (i32.xor (i32.load (local.get $at)) (local.get $key)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $next4)))

    (block $done
      (loop $next
        (br_if $done (i32.ge_s (local.get $at) (local.get $end)))
        (i32.store8 (local.get $at) (i32.xor (i32.load8_u (local.get $at)) (local.get $key)))
        (local.set $key (i32.shr_u (local.get $key) (i32.const 8)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next))))

  ;; 1 when no octet of [at, end) has its top bit set, else 0
  (func (export "isAscii") (param $at i32) (param $end i32) (result i32)
    (local $or v128)
    (local $rest i32)
    (local $last i32)

    (local.set $last (i32.sub (local.get $end) (i32.const 63)))
    (block $done64
      (loop $next64
        (br_if $done64 (i32.ge_s (local.get $at) (local.get $last)))
        (local.set $or
          (v128.or
            (v128.or
              (local.get $or)
              (v128.or (v128.load offset=0 (local.get $at)) (v128.load offset=16 (local.get $at))))
            (v128.or (v128.load offset=32 (local.get $at)) (v128.load offset=48 (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $next64)))

    (local.set $last (i32.sub (local.get $end) (i32.const 15)))
    (block $done16
      (loop $next16
        (br_if $done16 (i32.ge_s (local.get $at) (local.get $last)))
        (local.set $or (v128.or (local.get $or) (v128.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next16)))

    (block $done
      (loop $next
        (br_if $done (i32.ge_s (local.get $at) (local.get $end)))
        (local.set $rest (i32.or (local.get $rest) (i32.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))

    (i32.eqz
      (i32.or (i8x16.bitmask (local.get $or)) (i32.and (local.get $rest) (i32.const 0x80))))))

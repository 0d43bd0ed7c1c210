"""The passes of the compiler, from program to program; `order.PASSES` has them in their order."""

// What `import TributaryKit` brings: the contract between Tributary and a trainer, and named streams of random
// numbers. README.md beside this file says how to write a trainer.
@_exported public import Contract
@_exported public import Randomness

import Testing

/// The programs as users run them. One suite, one test at a time: each test has both processors to itself.
@Suite(.serialized)
struct ProcessTests {}

internal import Ledger
internal import Tensors
internal import Transport
internal import Wire

/// What a program says of itself, so that a report of a fault can name it.
package enum ProgramVersion {
    /// The version of all programs of this package.
    package static let number = "0.1"
    /// What a client calls itself to its coordinator.
    static let software = "tributary/\(number)"

    /// Several lines: the program's version, the protocol's, and the libraries that it runs with here.
    package static func text(of program: String) -> String {
        """
        \(program) \(number)
        protocol \(Frame.version)
        \(libraries.map { "\($0.name) \($0.version)" }.joined(separator: "\n"))
        """
    }

    /// The libraries that this process was loaded with, and the compiler that made it.
    private static var libraries: [(name: String, version: String)] {
        [
            ("OpenBLAS", Compute.libraryVersion),
            ("OpenSSL", TLSLibrary.version), ("zstd", ZstdLibrary.version), ("SQLite", SQLiteLibrary.version),
            ("Swift", compiler),
        ]
    }

    private static var compiler: String {
        #if swift(>=6.4)
            "6.4 or newer"
        #elseif swift(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }
}

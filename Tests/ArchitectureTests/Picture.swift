/// The modules and who may know whom: the picture in README.md as sets.
enum Picture {
    static let systemLibraries: Set<String> = ["COpenBLAS", "CZstd", "COpenSSL"]
    static let shared: Set<String> = ["Randomness", "Exchange", "Digest"]
    static let learning: Set<String> = ["CKernels", "Tensors", "Text", "Models", "Tasks", "Trainers"]
    static let federation: Set<String> = ["Topology", "Wire", "Rounds", "Aggregation", "Transport", "Ledger"]
    static let meeting: Set<String> = ["Nodes", "CommandSupport", "coordinator", "client", "tributary"]
    /// Draws what it is given; knows neither spine.
    static let report: Set<String> = ["Report"]

    static let modules = systemLibraries.union(shared).union(learning).union(federation).union(meeting).union(
        report
    )

    /// What a module may import of this package.
    static let allowed: [String: Set<String>] = [
        "COpenBLAS": [], "CZstd": [], "COpenSSL": [],
        "Randomness": [], "Exchange": [], "Digest": ["COpenSSL"],
        "CKernels": [],
        "Tensors": ["CKernels", "COpenBLAS", "Randomness"],
        "Text": ["Randomness", "Digest"],
        "Models": ["CKernels", "Tensors", "Text", "Exchange", "Randomness", "Digest"],
        "Tasks": ["Text", "Exchange", "Randomness", "Digest"],
        "Trainers": ["Tensors", "Models", "Text", "Tasks", "Exchange", "Randomness", "Digest"],
        "Topology": ["Digest"],
        "Wire": ["CZstd", "Exchange", "Digest"],
        "Rounds": ["Wire", "Digest"],
        "Aggregation": ["Exchange", "Randomness", "COpenBLAS"],
        "Transport": ["COpenSSL", "Wire"],
        "Ledger": ["Digest"],
        "Report": [],
        "Nodes": modules.subtracting([
            "Nodes", "CommandSupport", "coordinator", "client", "tributary", "Report",
        ]),
        "CommandSupport": modules.subtracting(["CommandSupport", "coordinator", "client", "tributary"]),
        "coordinator": ["CommandSupport", "Nodes"],
        "client": ["CommandSupport", "Nodes"],
        "tributary": modules.subtracting(["tributary", "coordinator", "client"]),
    ]
}

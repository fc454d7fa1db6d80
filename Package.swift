// swift-tools-version: 6.2
import PackageDescription

// The targets are listed in the order of the picture in README.md: what both spines share, then
// learning, then federation, then the nodes where the two meet, then the executables.
let package = Package(
    name: "tributary",
    products: [
        .executable(name: "coordinator", targets: ["coordinator"]),
        .executable(name: "client", targets: ["client"]),
        .executable(name: "tributary", targets: ["tributary"]),
        // What a trainer of one's own and the programs around it need; nothing else is public.
        .library(name: "TributaryKit", targets: ["TributaryKit"]),
    ],
    dependencies: [
        // Sockets and event loops under our own TLS handler.
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        // Control messages; no traits, so that it does not pull in full Foundation.
        .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0", traits: []),
        // The coordinator's ledger (SQLite in WAL mode).
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        // Topology files; its nodes carry line numbers.
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
    ],
    targets: [
        // System libraries
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),

        // Shared by both spines
        .target(name: "Randomness"),
        .target(name: "Contract"),
        .target(name: "Digest", dependencies: ["COpenSSL"]),
        .target(
            name: "CKernels",
            cSettings: [.unsafeFlags(["-O3", "-fno-math-errno"])]
        ),

        // Learning
        .target(name: "Tensors", dependencies: ["CKernels", "COpenBLAS", "Randomness"]),
        .target(name: "Text", dependencies: ["Contract"]),
        .target(
            name: "Models",
            dependencies: ["Tensors", "CKernels", "Contract", "Randomness", "Digest", "Text"],
            exclude: ["Attention/README.md"],
            resources: [.copy("Resources")]
        ),
        .target(
            name: "Tasks",
            dependencies: ["Text", "Contract", "Randomness"],
            exclude: ["README.md"]
        ),
        .target(
            name: "Trainers",
            dependencies: ["Tensors", "Models", "Text", "Tasks", "Contract", "Randomness", "Digest"],
            exclude: [
                "Language/RLVR/README.md", "Language/Supervised/README.md", "Language/Pretraining/README.md",
                "RET/README.md", "FeatureBlocking/README.md", "STACCA/README.md", "STACCA/README.md",
            ]
        ),

        // Federation
        .target(
            name: "Wire",
            dependencies: [
                "CZstd", "Digest", "Contract",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]
        ),
        .target(name: "Aggregation", dependencies: ["Contract", "Randomness", "CKernels", "COpenBLAS"]),
        .target(
            name: "Topology",
            dependencies: [
                "Contract", "Aggregation", "Wire", "Digest", .product(name: "Yams", package: "Yams"),
            ]
        ),
        .target(name: "Rounds", dependencies: ["Contract", "Wire", "Digest"]),
        .target(
            name: "Transport",
            dependencies: [
                "COpenSSL", "Wire",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(name: "Ledger", dependencies: ["Digest", .product(name: "GRDB", package: "GRDB.swift")]),

        // Where the spines meet
        .target(
            name: "Nodes",
            dependencies: [
                "Contract", "Topology", "Wire", "Rounds", "Transport", "Ledger", "Aggregation",
                "Tensors", "Models", "Randomness", "Digest",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(name: "Report", dependencies: ["Contract"]),

        // The public library, and the programs
        .target(
            name: "TributaryKit",
            dependencies: [
                "Contract", "Randomness", "Nodes", "Trainers", "Ledger", "Topology", "Transport", "Wire",
                "Rounds", "Tensors", "Report", "Aggregation", "Digest",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["README.md"]
        ),
        .executableTarget(name: "coordinator", dependencies: ["TributaryKit"]),
        .executableTarget(name: "client", dependencies: ["TributaryKit"]),
        .executableTarget(
            name: "tributary",
            dependencies: [
                "TributaryKit", "Contract", "Nodes", "Report", "Topology", "Transport", "Ledger", "Wire",
                "Aggregation", "Models", "Text", "Tensors", "CKernels", "Trainers", "Tasks", "Randomness",
                "Digest",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),

        // A stranger's package in this one: a trainer, a coordinator and a client that see nothing but the
        // public library
        .target(
            name: "LogisticRegression",
            dependencies: ["TributaryKit"],
            path: "Sources/Examples/LogisticRegression",
            packageAccess: false
        ),
        .executableTarget(
            name: "logistic-coordinator",
            dependencies: ["TributaryKit", "LogisticRegression"],
            path: "Sources/Examples/logistic-coordinator",
            packageAccess: false
        ),
        .executableTarget(
            name: "logistic-client",
            dependencies: ["TributaryKit", "LogisticRegression"],
            path: "Sources/Examples/logistic-client",
            packageAccess: false
        ),

        // Tests
        .testTarget(name: "RandomnessTests", dependencies: ["Randomness"]),
        .testTarget(name: "DigestTests", dependencies: ["Digest"]),
        .testTarget(
            name: "TensorsTests",
            dependencies: ["Tensors", "CKernels", "Randomness"],
            resources: [.copy("Golden")]
        ),
        .testTarget(name: "TextTests", dependencies: ["Text"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "ModelsTests",
            dependencies: ["Models", "Tensors", "Contract", "Randomness", "Digest", "Text"],
            exclude: [
                "Golden/make_goldens.py", "Golden/make_graph_goldens.py", "Golden/make_smollm2_goldens.py",
                "Golden/make_checkpoint_goldens.py", "Golden/make_family_goldens.py",
                "Golden/make_adapter_goldens.py",
                "Golden/check_conversion.py", "Golden/check_peft.py",
            ],
            resources: [.copy("Golden/files")]
        ),
        .testTarget(
            name: "TasksTests",
            dependencies: ["Tasks", "Text", "Contract", "Topology", "Randomness"],
            exclude: ["Golden/networks.py"],
            resources: [.copy("Golden/networks.json")]
        ),
        .testTarget(name: "WireTests", dependencies: ["Wire", "Digest", "Contract", "Randomness"]),
        .testTarget(
            name: "TransportTests",
            dependencies: [
                "Transport", "Wire", "COpenSSL",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "TopologyTests",
            dependencies: ["Topology", "Contract", "Aggregation", "Wire", "Digest"]
        ),
        .testTarget(name: "ContractTests", dependencies: ["Contract", "Topology"]),
        .testTarget(
            name: "LedgerTests",
            dependencies: ["Ledger", "Digest", .product(name: "GRDB", package: "GRDB.swift")]
        ),
        .testTarget(name: "ReportTests", dependencies: ["Report", "Contract"]),
        .testTarget(
            name: "TributaryTests",
            dependencies: [
                "tributary", "TributaryKit", "Contract", "Nodes", "Report", "Topology", "Ledger", "Trainers",
                "Tasks",
                "Models", "Tensors", "Text", "Randomness", "Digest", "Wire",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "ProcessTests",
            dependencies: ["coordinator", "client", "tributary", "logistic-coordinator", "logistic-client"]
        ),
        .testTarget(name: "ArchitectureTests"),
        .testTarget(
            name: "NodesTests",
            dependencies: [
                "Nodes", "TrainersTestSupport", "Topology", "Wire", "Rounds", "Transport", "Ledger",
                "Aggregation", "Trainers", "Models", "Tasks", "Text", "Contract", "Randomness", "Digest",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(name: "AggregationTests", dependencies: ["Aggregation", "Contract", "Randomness"]),
        .testTarget(
            name: "RoundsTests",
            dependencies: ["Rounds", "Wire", "Contract", "Digest", "Randomness"],
            resources: [.copy("Scenarios")]
        ),
        .target(
            name: "TrainersTestSupport",
            dependencies: [
                "Trainers", "Aggregation", "Contract", "Randomness", "Tasks", "Models", "LogisticRegression",
            ],
            path: "Tests/TrainersTestSupport"
        ),
        .testTarget(
            name: "TrainersTests",
            dependencies: [
                "Trainers", "TrainersTestSupport", "Aggregation", "Models", "Tensors", "Tasks", "Text",
                "Contract", "Randomness", "Digest", "LogisticRegression",
            ],
            exclude: [
                "Golden/make_goldens.py", "Golden/make_behaviour_goldens.py", "Golden/make_ret_goldens.py",
                "Golden/make_autoencoder_goldens.py",
            ],
            resources: [
                .copy("Golden/objectives.json"), .copy("Golden/behaviour.json"), .copy("Golden/ret.json"),
                .copy("Golden/autoencoder.json"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.name != "CKernels" && target.type != .system {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ]
}

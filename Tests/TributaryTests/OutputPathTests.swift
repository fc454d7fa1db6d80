import Contract
import Foundation
import Testing

@testable import tributary

/// Places to write to, looked at before the work.
@Suite struct OutputPathTests {
    @Test("an empty path is wrong usage")
    func empty() {
        #expect(throws: (any Error).self) { try OutputPath.requireFolder("") }
        #expect(throws: (any Error).self) { try OutputPath.requireFile("") }
    }

    @Test("what is in the way is named, and what is free passes")
    func inTheWay() throws {
        let scratch = try Scratch()
        try scratch.write("x", to: "file")
        func fault(_ body: () throws -> Void) -> String {
            #expect(throws: OutputFault.self, performing: body)?.description ?? ""
        }

        #expect(fault { try OutputPath.requireFolder(scratch.path + "/file") }.contains("it is a file"))
        #expect(
            fault { try OutputPath.requireFolder(scratch.path + "/file/a/b") }.contains("/file is a file")
        )
        #expect(fault { try OutputPath.requireFile(scratch.path) }.contains("it is a folder"))
        #expect(
            fault { try OutputPath.requireFile(scratch.path + "/none/a.html") }.contains("does not exist")
        )
        #expect(fault { try OutputPath.requireFile(scratch.path + "/file/a.html") }.contains("is a file"))
        #expect(fault { try OutputPath.requireFile("/dev/null") }.contains("a device"))
        try OutputPath.requireFolder(scratch.path + "/new/deep/")
        try OutputPath.requireFolder(scratch.path)
        try OutputPath.requireFile(scratch.path + "/file")
        try OutputPath.requireFile("new.html")
    }
}

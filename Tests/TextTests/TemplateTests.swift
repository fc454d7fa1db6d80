import Testing

@testable import Text

/// The Jinja of chat templates, against transformers' own.
@Suite struct TemplateTests {
    private let goldens: TemplateGoldens

    init() throws { goldens = try TemplateGoldens.read() }

    @Test("every expression and statement renders as transformers renders it, or is refused where it refuses")
    func rows() {
        for row in goldens.rows {
            let text = try? TemplateFault.render(row.template, goldens.data)

            #expect(text?.string.utf8.map { $0 } == row.text?.utf8.map { $0 }, "\(row.template)")
        }
        #expect(goldens.rows.count > 350)
    }

    @Test("templates in the manner of each family render every conversation as transformers does")
    func families() throws {
        for family in goldens.families {
            let statements = try TemplateParser.parse(family.template)
            for given in family.cases {
                let variables = goldens.variables(given)
                let text = try? TemplateRenderer(date: .standard).render(statements, variables).text.string

                #expect(
                    text?.utf8.map { $0 } == given.text?.utf8.map { $0 },
                    "\(family.family), \(given.name), tools: \(given.tools), opens: \(given.opens)"
                )
            }
        }
        #expect(goldens.families.count == 12)
    }

    @Test("what is not known is refused by its name and its line")
    func unsupported() {
        let refused: [(String, String)] = [
            ("a\n{% include 'x' %}", "chat template, line 2: {% include %}"),
            ("{{ a }}\n\n{{ 1 | truncate }}", "line 3: the filter 'truncate'"),
            ("{{ 1 is weird }}", "the test 'weird'"), ("{{ [1].append(2) }}", "the method 'append'"),
            ("{% for a in [] recursive %}{% endfor %}", "a recursive loop"), ("{{ cycler(1) }}", "'cycler'"),
            ("{{ f(*a) }}", "an argument with '*'"), ("{{ 9223372036854775807 + 1 }}", "64 bits"),
            ("{{ namespace(a=namespace()) }}", "a namespace's 'a'"), ("{{ {}.items() }}", "dict_items"),
            ("{% macro f() %}{% generation %}{% endgeneration %}{% endmacro %}", "{% generation %} within"),
            ("{{ strftime_now('%Z') }}", "the date format '%Z'"), ("{{ '{:3}'.format(1) }}", "'{:3}'"),
        ]
        for (template, words) in refused {
            let fault = #expect(throws: TemplateFault.self) { try TemplateFault.render(template) }
            let error = fault.map { "\($0.error(in: "f"))" } ?? ""

            #expect(error.contains(words), "\(template): \(error)")
            #expect(error.contains("is not supported"), "\(template): \(error)")
        }
    }

    @Test("a filter that is not known does no harm where it is not reached")
    func unreached() throws {
        #expect(try TemplateFault.render("{% if false %}{{ 1 | from_json }}{% endif %}a").string == "a")
    }

    @Test("a hostile template comes to an end: its work, its depth and its text are bounded")
    func bounded() {
        let chain = String(repeating: "1 + ", count: 20_000) + "1"
        let nest = String(repeating: "(", count: 20_000)
        let lists = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
        let tags = String(repeating: "{% if 1 %}", count: 5000)
        let wide = "range(100000)"
        let hostile = [
            "{{ \(chain) }}", "{{ \(nest) }}", "{{ \(lists) }}", tags,
            "{{ \(String(repeating: "-", count: 9999))1 }}",
            "{{ \(String(repeating: "not ", count: 9999))1 }}", "{{ 'a' * 99999999999 }}",
            "{{ [1] * 99999999999 }}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{{ 'a' | indent(99999999999) }}",
            "{% set ns = namespace(x='a') %}{% for i in range(64) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
            "{% set ns = namespace(x=[]) %}{% for i in \(wide) %}{% set ns.x = [ns.x] %}{% endfor %}",
            "{% for a in \(wide) %}{% for b in \(wide) %}{% for c in \(wide) %}{% endfor %}{% endfor %}{% endfor %}",
            "{% set x = [] %}" + String(repeating: "{% set x = [x] %}", count: 5000), "{{ 7 ** 999999999 }}",
            "{% set a = 'x' * 9999999 %}{% for i in \(wide) %}{{ a[::-1] | length }}{% endfor %}",
            "{{ 'a'.zfill(99999999999) }}", "{{ [1] | batch(99999999999, 0) | list }}",
            "{{ {1: 2}[-9223372036854775808] }}",
        ]
        for template in hostile {
            let text = try? TemplateFault.render(template, workMax: 1 << 20)

            #expect(text == nil || text?.count ?? 0 < 100, "\(template.prefix(60))")
        }
    }

    @Test("a namespace or a macro that is kept in its own variables is let go")
    func cycles() throws {
        let namespace = "{% set ns = namespace() %}{% set ns.a = ns %}"
        #expect(throws: TemplateFault.self) { try TemplateFault.render(namespace) }
        #expect(try TemplateFault.render("{% macro f() %}{% endmacro %}{% set g = f %}a").string == "a")
    }

    @Test("what came from a conversation keeps its mark, whatever the template does with it")
    func marks() throws {
        let user: TemplateValue = .text(TemplateText(" <b>Yes,é</b> no ", isMarked: true))
        func marked(_ expression: String) throws -> String {
            let text = try TemplateFault.render("{{ 'é<' + \(expression) + '>' }}", ["t": user])
            let bytes = Array(text.string.utf8)
            return text.utf8(of: text.marks).map { String(decoding: bytes[$0], as: UTF8.self) }.joined(
                separator: "|"
            )
        }

        #expect(try marked("t") == " <b>Yes,é</b> no ")
        #expect(try marked("t.strip()") == "<b>Yes,é</b> no")
        #expect(try marked("t | upper | trim") == "<B>YES,É</B> NO")
        #expect(try marked("t[2:5]") == "b>Y")
        #expect(try marked("t[::-1] | trim") == "on >b/<é,seY>b<")
        #expect(try marked("t.split(',')[0] ~ '-' ~ t[1]") == " <b>Yes|<")
        #expect(try marked("t | replace('b', 'x') | trim") == "<|>Yes,é</|> no")
        #expect(try marked("[t | trim] | tojson") == "<b>Yes,é</b> no")
        #expect(try marked("t.split() | join('+')") == "<b>Yes,é</b>|no")
        #expect(try marked("('%s!' % t) | trim") == "<b>Yes,é</b> no ")
        #expect(try marked("(t | e).strip()") == "&lt;b&gt;Yes,é&lt;/b&gt; no")
        #expect(try marked("[t] | string") == " <b>Yes,é</b> no ")
        #expect(try marked("t | length | string") == "")
        #expect(try marked("t | title | list | last") == " ")
    }

    @Test("a day is written as strftime writes it, and is a day of the calendar")
    func dates() throws {
        let leap = try #require(TemplateDate("2024-02-29"))

        #expect(leap.formatted("%A, %d %b %Y, %j%%") == "Thursday, 29 Feb 2024, 060%")
        #expect(TemplateDate("2000-01-01")?.formatted("%a %-d %B %y") == "Sat 1 January 00")
        for text in ["2023-02-29", "2024-13-01", "2024-1-01", "24-01-01", "", "2024-00-10", "2024-01-+1"] {
            #expect(TemplateDate(text) == nil)
        }
    }
}

using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Training.Tests.Data;

public class JsonlReaderTests
{
    private static List<Document> Read(string lines, Dictionary<string, string>? fields = null)
    {
        using var folder = new TemporaryFolder();
        return [.. DocumentReader.Read(folder.Write("d.jsonl", lines), "auto", fields)];
    }

    private static string Error(string lines, Dictionary<string, string>? fields = null) => Assert.Throws<BadInput>(() => Read(lines, fields)).Message;

    [Fact]
    public void Usual_names_need_no_mapping()
    {
        Document d = Assert.Single(Read("""{"_id":"x","title":"题","body":"文。\n\n 第二  段。","lang":"zh_CN","description":"摘要","extra":[1]}"""));
        Assert.Equal(("x", "题", "文。\n第二 段。", "zh-CN", "摘要", "x"), (d.Id, d.Title, d.Body, d.Language, d.Summary, d.Group));
    }

    [Fact]
    public void Fields_are_mapped_and_joined()
    {
        Document d = Assert.Single(Read("""{"law":"劳动法","chapter":"第一章 总则","body":"为了保护劳动者。","n":3}""", new() { ["title"] = "law+chapter", ["text"] = "body", ["group"] = "law", ["id"] = "n" }));
        Assert.Equal(("3", "劳动法 第一章 总则", "劳动法"), (d.Id, d.Title, d.Group));
        Assert.Equal("劳动法", Assert.Single(Read("""{"law":"劳动法","chapter":null,"body":"为了。"}""", new() { ["title"] = "law+chapter" })).Title);
    }

    [Fact]
    public void Sections_come_as_arrays_or_objects()
    {
        Section[] wanted = [new(0, "", "开头。"), new(2, "安装", "下载。")];
        Assert.Equal(wanted, Assert.Single(Read("""{"sections":[[0,"","开头。"],[2,"安装","下载。"],[2,"",""]]}""")).Sections);
        Assert.Equal(wanted, Assert.Single(Read("""{"sections":[{"text":"开头。"},{"level":2,"heading":"安装","text":"下载。"}]}""")).Sections);
    }

    [Fact]
    public void Markdown_inside_a_field_is_not_parsed()
    {
        Assert.Equal([new Section(0, "", "# 不是标题\n正文。")], Assert.Single(Read("""{"text":"# 不是标题\n正文。"}""")).Sections);
    }

    [Fact]
    public void Lines_without_text_are_left_out_but_lines_without_the_field_are_wrong()
    {
        Assert.Equal(["d.jsonl:2"], Read("""{"text":""}""" + "\n" + """{"text":"有。"}""").Select(d => d.Id));
        Assert.Contains("d.jsonl:1: no text: a field", Error("""{"title":"只有题"}"""), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"title":7,"text":"x"}""", "d.jsonl:1: \"title\" is the number 7, a string is needed.")]
    [InlineData("""[1]""", "d.jsonl:1: the line is a list, a JSON object is needed.")]
    [InlineData("""{"text":"x""", "d.jsonl:1: not JSON at column")]
    [InlineData("""{"sections":"x"}""", "\"sections\" is the string \"x\", an array of sections is needed.")]
    [InlineData("""{"sections":[[1,"a"]]}""", "\"sections[0]\" is a list, [level, heading, text] or an object")]
    [InlineData("""{"sections":[["1","a","b"]]}""", "\"sections[0].level\" is the string \"1\", a whole number from 0")]
    [InlineData("""{"sections":[[1,"a",["b"]]]}""", "\"sections[0].text\" is a list, a string is needed.")]
    [InlineData("""{"text":"\ud800"}""", "\"text\" is a string with a lone surrogate")]
    public void A_wrong_line_is_named_with_file_line_and_field(string line, string message) =>
        Assert.Contains(message, Error(line), StringComparison.Ordinal);

    [Fact]
    public void A_slip_in_a_mapping_names_the_nearest_field()
    {
        Assert.Contains("no line has \"titel\"; did you mean \"title\"?", Error("""{"title":"a","text":"b"}""", new() { ["title"] = "titel" }), StringComparison.Ordinal);
        Assert.Contains("\"tittle\" is none of ours", Error("""{"text":"b"}""", new() { ["tittle"] = "title" }), StringComparison.Ordinal);
    }
}

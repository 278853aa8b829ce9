// When a heading can be searched for. Lists of generic headings in Chinese and English: under "示例" or "References" stands nothing that a reader
// would ask for by that name; "安装" is fine once the title goes before it.

using System.Text.RegularExpressions;
using BgeSharp.Text;

namespace BgeSharp.Training.Data.Miners;

/// <summary>Turns headings into queries.</summary>
internal static partial class Headings
{
    private static readonly HashSet<string> Generic = new(StringComparer.OrdinalIgnoreCase)
    {
        "简介", "概述", "概要", "介绍", "引入", "引言", "前言", "导言", "序言", "背景", "总结", "小结", "结论", "结语", "总览", "概览", "正文", "内容", "目录", "摘要", "说明", "备注", "注释", "注意", "注意事项",
        "参考", "参考资料", "参考文献", "参考资料与注释", "参考链接", "相关主题", "相关链接", "相关资料", "延伸阅读", "扩展阅读", "拓展阅读", "推荐阅读", "外部链接", "资源", "另请参阅", "参见", "更多", "更多信息", "附录", "致谢", "后记",
        "示例", "例子", "举例", "样例", "例题", "习题", "练习", "练习题", "实例", "代码", "代码实现", "参考代码", "示例代码", "实现", "其他", "其它", "杂项", "题目描述", "描述", "输入", "输出", "提示", "解法", "证明",
        "下一步", "需要帮助？", "需要帮助", "获取帮助", "获取支持", "许可", "许可证", "版权", "作者", "贡献者", "更新日志", "变更记录", "导航", "常见问题", "问答", "第一章 总则", "总则", "附则",
        "introduction", "intro", "overview", "summary", "conclusion", "conclusions", "abstract", "background", "contents", "table of contents", "references", "reference", "see also", "further reading",
        "external links", "links", "resources", "notes", "note", "example", "examples", "exercises", "appendix", "acknowledgements", "acknowledgments", "faq", "faqs", "description", "solution", "code",
        "implementation", "other", "others", "misc", "miscellaneous", "license", "licence", "copyright", "authors", "changelog", "next steps", "what's next", "related topics", "more information", "about",
    };

    /// <summary>Whether nothing would be searched for by this heading, whatever stands before it.</summary>
    public static bool IsGeneric(string heading)
    {
        string plain = Plain(heading).TrimEnd('：', ':', '…', '.', '。', ' ');
        return Generic.Contains(plain) || FileName().IsMatch(plain) || OnlyNumber().IsMatch(plain);
    }

    /// <summary>The heading without its number: "3.1 安装", "第二章 安装", "（三）安装", "一、安装" are all "安装".</summary>
    public static string Plain(string heading)
    {
        string plain = Number().Replace(heading, "", 1).Trim();
        return plain.Length > 0 ? plain : heading.Trim();
    }

    /// <summary>The query for section <paramref name="index"/>: the heading alone when it says enough by itself, else the title (and a telling parent heading) before it; empty when neither can be searched for.</summary>
    public static string Query(Document document, int index)
    {
        Section section = document.Sections[index];
        if (section.Heading.Length == 0 || IsGeneric(section.Heading))
        {
            return "";
        }
        string heading = Plain(section.Heading), title = Plain(document.Title);
        if (ExplainsItself(heading) || (title.Length > 0 && heading.Contains(title, StringComparison.OrdinalIgnoreCase)))
        {
            return heading;
        }
        string parent = Parent(document, index);
        List<string> path = [.. new[] { title, parent }.Where(p => p.Length > 0 && !IsGeneric(p) && !heading.Contains(p, StringComparison.OrdinalIgnoreCase)).Distinct()];
        return path.Count == 0 ? "" : string.Join(' ', path.Append(heading));
    }

    /// <summary>Enough words to be understood without the title: 8 Han characters, or 5 Western words.</summary>
    public static bool ExplainsItself(string heading) => Script.Words(heading) >= (Script.HanShare(heading) > 0.5 ? 8 : 5);

    private static string Parent(Document document, int index)
    {
        int level = document.Sections[index].Level;
        for (int i = index - 1; i >= 0; i--)
        {
            if (document.Sections[i] is { Heading.Length: > 0 } above && above.Level < level)
            {
                return Plain(above.Heading);
            }
        }
        return "";
    }

    [GeneratedRegex(@"^\s*(?:第[0-9０-９一二三四五六七八九十百零〇]+[章节部分篇条步]\s*[：:、.．]?|[（(]?[一二三四五六七八九十]{1,3}[）)、．.]|[（(]?\d+(?:[.．-]\d+)*(?:[）)、．]|\.(?=\D))|\d+(?:[.．]\d+)+(?=\s)|[①-⑳])\s*", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex(@"^[\w./-]+\.(?:md|mdx|html?|txt|rst|jsonl?|ya?ml|toml|py|js|ts|cs|go|java|cpp|c|h)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex FileName();

    [GeneratedRegex(@"^[\d\s.,:：/年月日第章节条步例题()（）vV-]+$", RegexOptions.CultureInvariant)]
    private static partial Regex OnlyNumber();
}

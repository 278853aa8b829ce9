// Masks as a picture: of each text above what the encoder sees, below which columns each decoder row may see. Drawn by what training draws with.

using System.Globalization;
using System.Net;
using System.Text;
using BgeSharp.Text;

namespace BgeSharp.Cli.Reports;

/// <summary>Draws the masks of texts as SVG, two texts side by side.</summary>
/// <param name="tokenizer">Names the tokens.</param>
/// <param name="texts">One or more.</param>
/// <param name="heading">What stands above all; empty for nothing.</param>
internal sealed class MaskPicture(ITokenizer tokenizer, IReadOnlyList<MaskedText> texts, string heading = "")
{
    private const int Cell = 16, Left = 92, Top = 24, Gap = 3 * Cell, Grid = Top + (2 * Cell) + Gap;

    // The keys above short texts need their room too; so does the heading, at about so much a character.
    private const int LeastWidth = 560, Character = 6;

    private static readonly (EncoderSight Sight, string Kind)[] Sights = [(EncoderSight.Plain, "gone"), (EncoderSight.Mask, "mask"), (EncoderSight.Other, "other"), (EncoderSight.Kept, "kept")];

    private const string Style = "<style>svg{background:#fff;font:11px sans-serif}text{fill:#333}.key{fill:#666}.seen{fill:#cfe3ff}.gone{fill:#f1f1f1}.self{fill:#d1495b}.sentence{fill:#2e7d32}.mask{fill:#d1495b}.other{fill:#edae49}.kept{fill:#7aa6da}</style>";

    /// <summary>The SVG file.</summary>
    public string ToSvg()
    {
        int columns = Math.Min(2, texts.Count), rows = (texts.Count + columns - 1) / columns, longest = texts.Max(t => t.Ids.Length);
        int top = heading.Length > 0 ? Top : 0, lead = texts.Any(t => t.Caption.Length > 0) ? Cell : 0;
        int width = Math.Max(LeastWidth, Left + (longest * Cell) + 12), height = lead + Grid + ((longest + 2) * Cell);
        var svg = new StringBuilder();
        Append(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Math.Max(columns * width, heading.Length * Character)} {top + (rows * height)}\" role=\"img\" aria-label=\"masks of encoder and decoder\">");
        svg.Append(Style);
        Append(svg, $"<text x=\"4\" y=\"{Top - 9}\">{WebUtility.HtmlEncode(heading)}</text>");
        for (int i = 0; i < texts.Count; i++)
        {
            int x = i % columns * width, y = top + (i / columns * height);
            Append(svg, $"<text x=\"{x + 4}\" y=\"{y + Top - 9}\">{WebUtility.HtmlEncode(texts[i].Caption)}</text><g transform=\"translate({x} {y + lead})\">");
            AppendEncoder(svg, texts[i]);
            AppendDecoder(svg, texts[i]);
            svg.Append("</g>");
        }
        return svg.Append("</svg>\n").ToString();
    }

    private void AppendEncoder(StringBuilder svg, MaskedText text)
    {
        int n = text.Ids.Length;
        Append(svg, $"<text class=\"key\" x=\"4\" y=\"{Top - 9}\">encoder: red [MASK], yellow another token, blue itself; all three are to be named</text>");
        foreach ((EncoderSight sight, string kind) in Sights)
        {
            Squares(svg, kind, n, i => text.SightOf(i, tokenizer.Special.Mask) == sight, Top);
        }
        for (int i = 0; i < n; i++)
        {
            AppendName(svg, text.Ids[i], Left + (i * Cell) + (Cell / 2), Top + (2 * Cell) - 4, turned: true);
        }
    }

    private void AppendDecoder(StringBuilder svg, MaskedText text)
    {
        int n = text.Ids.Length;
        Append(svg, $"<text class=\"key\" x=\"4\" y=\"{Grid - 9}\">decoder, a row a token to rebuild: green h, blue visible, grey hidden, red itself (never visible)</text>");
        for (int i = 0; i < n; i++)
        {
            int row = i;
            int y = Grid + (i * Cell);
            AppendName(svg, text.Ids[i], Left - 6, y + Cell - 4, turned: false);
            Squares(svg, "sentence", 1, _ => true, y);
            Squares(svg, "self", n, j => j == row && j > 0, y);
            Squares(svg, "gone", n, j => j > 0 && j != row && text.Hidden[(row * n) + j], y);
            Squares(svg, "seen", n, j => j > 0 && j != row && !text.Hidden[(row * n) + j], y);
        }
    }

    // One path for all squares of a kind in a row: a picture of 40 tokens stays small.
    private static void Squares(StringBuilder svg, string kind, int n, Func<int, bool> which, int y)
    {
        string path = string.Concat(Enumerable.Range(0, n).Where(which).Select(i => string.Create(CultureInfo.InvariantCulture, $"M{Left + (i * Cell) + 1} {y + 1}h{Cell - 2}v{Cell - 2}h-{Cell - 2}z")));
        if (path.Length > 0)
        {
            svg.Append("<path class=\"").Append(kind).Append("\" d=\"").Append(path).Append("\"/>");
        }
    }

    private void AppendName(StringBuilder svg, int id, int x, int y, bool turned)
    {
        string name = tokenizer.TokenOf(id);
        bool narrow = name.EnumerateRunes().Count() == 1;
        string how = !turned ? "text-anchor=\"end\"" : narrow ? "text-anchor=\"middle\"" : string.Create(CultureInfo.InvariantCulture, $"transform=\"rotate(40 {x} {y - 8})\" ");
        Append(svg, $"<text {how} x=\"{(turned && !narrow ? x - 4 : x)}\" y=\"{y}\">{WebUtility.HtmlEncode(name.Length > 14 ? name[..13] + "…" : name)}</text>");
    }

    private static void Append(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture));
}

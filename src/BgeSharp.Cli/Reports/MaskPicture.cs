// The masks of one text as a picture: above what the encoder sees, below which columns each decoder row may see. Drawn by what training draws with.

using System.Globalization;
using System.Net;
using System.Text;
using BgeSharp.Text;

namespace BgeSharp.Cli.Reports;

/// <summary>Draws a text's masks as SVG.</summary>
/// <param name="tokenizer">Names the tokens.</param>
/// <param name="ids">The text with its special tokens.</param>
/// <param name="masked">As the encoder sees it.</param>
/// <param name="named">Positions the encoder must name.</param>
/// <param name="hidden">[n, n], row-major; true where decoder row i may not see column j.</param>
internal sealed class MaskPicture(ITokenizer tokenizer, int[] ids, int[] masked, IReadOnlyList<int> named, bool[] hidden)
{
    private const int Cell = 16, Left = 92, Top = 24, Gap = 3 * Cell;

    private const string Style = "<style>svg{background:#fff;font:11px sans-serif}text{fill:#333}.key{fill:#666}.seen{fill:#cfe3ff}.gone{fill:#f1f1f1}.self{fill:#d1495b}.sentence{fill:#2e7d32}.mask{fill:#d1495b}.other{fill:#edae49}.kept{fill:#7aa6da}</style>";

    /// <summary>The SVG file.</summary>
    public string ToSvg()
    {
        int n = ids.Length, grid = Top + (2 * Cell) + Gap, width = Left + (n * Cell) + 12, height = grid + (n * Cell) + (2 * Cell);
        var svg = new StringBuilder();
        Append(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"masks of encoder and decoder\">");
        svg.Append(Style);
        AppendEncoder(svg, n);
        AppendDecoder(svg, n, grid);
        return svg.Append("</svg>\n").ToString();
    }

    private void AppendEncoder(StringBuilder svg, int n)
    {
        var asked = new HashSet<int>(named);
        Append(svg, $"<text class=\"key\" x=\"4\" y=\"{Top - 9}\">encoder: red [MASK], yellow another token, blue itself; all three are to be named</text>");
        Squares(svg, "gone", n, i => !asked.Contains(i), Top);
        Squares(svg, "mask", n, i => asked.Contains(i) && masked[i] == tokenizer.Special.Mask, Top);
        Squares(svg, "other", n, i => asked.Contains(i) && masked[i] != tokenizer.Special.Mask && masked[i] != ids[i], Top);
        Squares(svg, "kept", n, i => asked.Contains(i) && masked[i] == ids[i], Top);
        for (int i = 0; i < n; i++)
        {
            AppendName(svg, i, Left + (i * Cell) + (Cell / 2), Top + (2 * Cell) - 4, turned: true);
        }
    }

    private void AppendDecoder(StringBuilder svg, int n, int grid)
    {
        Append(svg, $"<text class=\"key\" x=\"4\" y=\"{grid - 9}\">decoder, a row a token to rebuild: green h, blue visible, grey hidden, red itself (never visible)</text>");
        for (int i = 0; i < n; i++)
        {
            int row = i;
            int y = grid + (i * Cell);
            AppendName(svg, i, Left - 6, y + Cell - 4, turned: false);
            Squares(svg, "sentence", 1, _ => true, y);
            Squares(svg, "self", n, j => j == row && j > 0, y);
            Squares(svg, "gone", n, j => j > 0 && j != row && hidden[(row * n) + j], y);
            Squares(svg, "seen", n, j => j > 0 && j != row && !hidden[(row * n) + j], y);
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

    private void AppendName(StringBuilder svg, int i, int x, int y, bool turned)
    {
        string name = tokenizer.TokenOf(ids[i]);
        bool narrow = name.EnumerateRunes().Count() == 1;
        string how = !turned ? "text-anchor=\"end\"" : narrow ? "text-anchor=\"middle\"" : string.Create(CultureInfo.InvariantCulture, $"transform=\"rotate(40 {x} {y - 8})\" ");
        Append(svg, $"<text {how} x=\"{(turned && !narrow ? x - 4 : x)}\" y=\"{y}\">{WebUtility.HtmlEncode(name.Length > 14 ? name[..13] + "…" : name)}</text>");
    }

    private static void Append(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture));
}

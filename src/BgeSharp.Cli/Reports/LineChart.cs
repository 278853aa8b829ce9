// A line chart as inline SVG, by hand. A plotting library would bring a native renderer that leaves all labels out on a machine without
// fonts (servers, containers) and colours that cannot follow the reader's light or dark theme; this needs neither.

using System.Globalization;
using System.Net;
using System.Text;

namespace BgeSharp.Cli.Reports;

/// <summary>Draws lines over steps or over named places. Colours come from the page: classes c0 to c5.</summary>
internal sealed record LineChart
{
    private const string OwnStyle = "<style>svg{background:#fff;font:11px sans-serif}text{fill:#555}.grid{stroke:#ddd;fill:none}.line{fill:none;stroke-width:1.5}.c0{stroke:#1f6feb}.c1{stroke:#bbb}</style>";

    private const int Left = 46, Right = 14, Top = 10, Bottom = 30;

    /// <summary>What the chart shows, for readers who cannot see it.</summary>
    public required string Label { get; init; }

    /// <summary>Lines; values must be finite.</summary>
    public required IReadOnlyList<CurveSeries> Series { get; init; }

    /// <summary>Names of x = 0, 1, 2 ...; empty for a numeric axis.</summary>
    public IReadOnlyList<string> Places { get; init; } = [];

    /// <summary>A horizontal line for each, drawn dashed in the colour of the series with the same index; null for none.</summary>
    public IReadOnlyList<double?> Levels { get; init; } = [];

    /// <summary>True lets the value axis begin at 0.</summary>
    public bool FromZero { get; init; }

    /// <summary>Width of the drawing; the page scales it.</summary>
    public int Width { get; init; } = 340;

    /// <summary>Height of the drawing.</summary>
    public int Height { get; init; } = 210;

    /// <summary>True for a file of its own, which brings the colours that a page else gives.</summary>
    public bool Standalone { get; init; }

    /// <summary>The SVG element.</summary>
    public string ToSvg()
    {
        var svg = new StringBuilder();
        string space = Standalone ? " xmlns=\"http://www.w3.org/2000/svg\"" : "";
        Append(svg, $"<svg{space} class=\"chart\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{Encode(Label)}\">");
        svg.Append(Standalone ? OwnStyle : "");
        double[] xs = [.. Series.SelectMany(s => s.Steps)];
        double[] ys = [.. Series.SelectMany(s => s.Values), .. Levels.Where(l => l is not null).Select(l => l!.Value)];
        if (xs.Length > 0)
        {
            double[] yTicks = Ticks(FromZero ? Math.Min(0, ys.Min()) : ys.Min(), ys.Max(), 5);
            (double Low, double High) x = Places.Count > 0 ? (-0.25, Places.Count - 0.75) : Widened(xs.Min(), xs.Max());
            (double Low, double High) y = (Math.Min(yTicks[0], ys.Min()), Math.Max(yTicks[^1], ys.Max()));
            var place = new Placement(x.Low, x.High, y.Low, y.High, Width, Height);
            AppendAxes(svg, place, yTicks);
            for (int i = 0; i < Series.Count; i++)
            {
                AppendSeries(svg, place, i);
            }
        }
        return svg.Append("</svg>").ToString();
    }

    private void AppendAxes(StringBuilder svg, Placement place, double[] yTicks)
    {
        foreach (double tick in yTicks)
        {
            double y = place.Y(tick);
            Append(svg, $"<path class=\"grid\" d=\"M{Left} {y:0.#}H{Width - Right}\"/><text x=\"{Left - 7}\" y=\"{y + 4:0.#}\" text-anchor=\"end\">{tick:0.######}</text>");
        }
        if (Places.Count > 0)
        {
            for (int i = 0; i < Places.Count; i++)
            {
                Append(svg, $"<text x=\"{place.X(i):0.#}\" y=\"{Height - 9}\" text-anchor=\"middle\">{Encode(Places[i])}</text>");
            }
            return;
        }
        foreach (double tick in Ticks(place.XLow, place.XHigh, 5).Where(t => t >= place.XLow && t <= place.XHigh))
        {
            Append(svg, $"<text x=\"{place.X(tick):0.#}\" y=\"{Height - 9}\" text-anchor=\"middle\">{tick:0.######}</text>");
        }
    }

    private void AppendSeries(StringBuilder svg, Placement place, int i)
    {
        CurveSeries series = Series[i];
        int colour = i % 6;
        if (i < Levels.Count && Levels[i] is { } level)
        {
            Append(svg, $"<path class=\"level c{colour}\" d=\"M{Left} {place.Y(level):0.#}H{Width - Right}\"/>");
        }
        Append(svg, $"<polyline class=\"line c{colour}\" points=\"");
        for (int p = 0; p < series.Steps.Count; p++)
        {
            Append(svg, $"{place.X(series.Steps[p]):0.#},{place.Y(series.Values[p]):0.#} ");
        }
        svg.Append("\"/>");
        // Few points stand for something each: mark them, with the figure for the pointer.
        if (series.Steps.Count <= 12)
        {
            for (int p = 0; p < series.Steps.Count; p++)
            {
                Append(svg, $"<circle class=\"dot c{colour}\" cx=\"{place.X(series.Steps[p]):0.#}\" cy=\"{place.Y(series.Values[p]):0.#}\" r=\"4\"><title>{Encode(series.Name)}: {series.Values[p]:0.000}</title></circle>");
            }
        }
    }

    /// <summary>Round numbers (1, 2 or 5 times a power of ten apart) around a range.</summary>
    /// <param name="low">Least value.</param>
    /// <param name="high">Largest value.</param>
    /// <param name="wanted">About how many.</param>
    internal static double[] Ticks(double low, double high, int wanted)
    {
        (low, high) = Widened(low, high);
        double raw = (high - low) / wanted;
        double power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = power * (raw / power < 1.5 ? 1 : raw / power < 3.5 ? 2 : raw / power < 7.5 ? 5 : 10);
        int first = (int)Math.Floor(low / step);
        int last = (int)Math.Ceiling(high / step);
        return [.. Enumerable.Range(first, last - first + 1).Select(t => t * step)];
    }

    private static (double Low, double High) Widened(double low, double high)
    {
        double least = Math.Max(1e-6, 1e-6 * Math.Max(Math.Abs(low), Math.Abs(high)));
        return high - low >= least ? (low, high) : (low - Math.Max(least, Math.Abs(low) * 0.1), high + Math.Max(least, Math.Abs(high) * 0.1));
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static void Append(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture));

    private readonly record struct Placement(double XLow, double XHigh, double YLow, double YHigh, int Width, int Height)
    {
        public double X(double value) => Left + (value - XLow) / (XHigh - XLow) * (Width - Left - Right);

        public double Y(double value) => Height - Bottom - (value - YLow) / (YHigh - YLow) * (Height - Top - Bottom);
    }
}

// Progress as a person sees it and as a file keeps it.

using BgeSharp.Cli.Terminals;
using BgeSharp.Training.Stages;

namespace BgeSharp.Cli.Tests;

public class TerminalTests
{
    private static readonly Dictionary<string, double> None = [];

    private static string Show(bool interactive, bool colour, string stage = "retromae")
    {
        var output = new StringWriter { NewLine = "\n" };
        using (RunProgress progress = Terminal.For(output, output, interactive, colour).Progress())
        {
            progress.StageStarted(stage, 300);
            progress.Progress(new StepReport(stage, 20, 300, 5.12345, 7e-5, 12345.6, TimeSpan.FromSeconds(62), None));
            progress.Message("[3 documents] were dropped.");
            progress.StageEnded(stage, 300, TimeSpan.FromSeconds(3723), new Dictionary<string, double> { ["loss"] = 4.5 });
        }
        return output.ToString();
    }

    [Fact]
    public void Redirected_output_is_plain_lines() => Assert.Equal(
        """
        retromae: 300 steps
        retromae 20/300  loss 5.1235  lr 7.0e-05  12346 tokens/s  1:02 left
        [3 documents] were dropped.
        retromae: 300 steps in 1:02:03  loss 4.5000

        """.ReplaceLineEndings("\n"), Show(interactive: false, colour: true));

    [Fact]
    public void A_terminal_has_one_line_that_is_drawn_over()
    {
        string text = Show(interactive: true, colour: false);

        Assert.Equal(2, text.Split('\n').Length - 1); // the message and the ending stay; the live line does not
        Assert.Contains("\r\u001b[2K", text, StringComparison.Ordinal);
        Assert.Contains("20/300  loss 5.1235", text, StringComparison.Ordinal);
        Assert.Contains("[3 documents] were dropped.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_colour_there_are_no_colour_codes() => Assert.DoesNotMatch("\u001b\\[[0-9;]*3[0-9]", Show(interactive: true, colour: false));

    private sealed class Clock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }

    [Fact]
    public void Long_work_is_one_line_for_a_person_a_line_now_and_then_in_a_file_and_ends_when_that_is_asked_for()
    {
        string Work(bool interactive)
        {
            var clock = new Clock();
            var error = new StringWriter { NewLine = "\n" };
            using var stop = new CancellationTokenSource();
            using (WorkProgress progress = Terminal.For(TextWriter.Null, error, interactive).Watch(stop.Token, clock))
            {
                progress.About = "m: ";
                for (int done = 1; done <= 4; done++)
                {
                    clock.Seconds += 10;
                    progress.Reach(done, done < 4 ? 5 : 0, "texts encoded");
                }
                progress.Say("m: over");
                stop.Cancel();
                Assert.Throws<OperationCanceledException>(() => progress.Reach(5, 5, "texts encoded"));
            }
            return error.ToString();
        }
        Assert.Equal("m: 3 of 5 texts encoded\nm: over\n", Work(interactive: false));
        const string clear = "\r\u001b[2K";
        Assert.Equal($"m: 1 of 5 texts encoded{clear}m: 2 of 5 texts encoded{clear}m: 3 of 5 texts encoded{clear}m: 4 texts encoded{clear}m: over\n", Work(interactive: true));
    }

    [Fact]
    public void A_live_line_never_wraps()
    {
        string longest = Show(interactive: true, colour: false, stage: new string('x', 300)).Split("\u001b[2K")[1].Split('\r')[0];
        Assert.True(longest.Length <= 130, longest); // 100 columns and the codes around dimmed text
    }
}

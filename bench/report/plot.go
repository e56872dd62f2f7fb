package report

import (
	"bytes"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

const (
	plotWidth  = 18 * vg.Centimeter
	plotHeight = 10 * vg.Centimeter
	plotDPI    = 144
	legendLine = 11.5 // points
)

// A curve is one named line of a chart.
type curve struct {
	name   string
	points plotter.XYs
}

// A chart is one plot.
type chart struct {
	file, title, x, y string
	logX, logY        bool
	bare              bool // no marker at each point
	curves            []curve
}

// palette keeps its colours apart for the colour-blind (Okabe and Ito).
var palette = []color.RGBA{
	{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff},
	{0xcc, 0x79, 0xa7, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff},
}

// png draws the chart, its legend in a strip of its own above the plot, where
// it hides no point.
func (c *chart) png() ([]byte, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.title, c.x, c.y
	p.Title.Padding = vg.Points(6)
	p.Add(plotter.NewGrid())
	c.scale(p)
	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	legend.XOffs, legend.YOffs = vg.Points(8), -vg.Points(4)
	for i, line := range c.curves {
		if err := c.add(p, &legend, line, palette[i%len(palette)]); err != nil {
			return nil, fmt.Errorf("plot %s, %s: %w", c.title, line.name, err)
		}
	}
	strip := vg.Length(len(c.curves))*legendLine + vg.Points(8)
	img := vgimg.NewWith(vgimg.UseWH(plotWidth, plotHeight+strip), vgimg.UseDPI(plotDPI))
	area := draw.New(img)
	p.Draw(draw.Crop(area, vg.Points(4), -vg.Points(12), vg.Points(4), -strip))
	legend.Draw(draw.Crop(area, 0, 0, plotHeight, 0))
	var b bytes.Buffer
	_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(&b)
	return b.Bytes(), err
}

// plainTicks are gonum's, their labels with thousands set apart and never in
// powers of ten.
type plainTicks struct{}

// Ticks implements plot.Ticker.
func (plainTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = figure3(ticks[i].Value)
		}
	}
	return ticks
}

// decades are ticks of a logarithmic scale, labelled at each power of ten.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(low, high float64) []plot.Tick {
	ticks := plot.LogTicks{Prec: -1}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = figure3(ticks[i].Value)
		}
	}
	return ticks
}

func (c *chart) scale(p *plot.Plot) {
	if c.logX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, decades{}
	}
	if c.logY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, decades{}
	} else {
		p.Y.Min = 0
		p.Y.Tick.Marker = plainTicks{}
	}
}

func (c *chart) add(p *plot.Plot, legend *plot.Legend, line curve, col color.RGBA) error {
	if len(line.points) == 0 {
		return nil
	}
	l, s, err := plotter.NewLinePoints(line.points)
	if err != nil {
		return err
	}
	l.Color, l.Width = col, vg.Points(1.5)
	s.Color, s.Shape = col, draw.CircleGlyph{}
	p.Add(l)
	legend.Add(line.name, l)
	if !c.bare {
		p.Add(s)
	}
	return nil
}
